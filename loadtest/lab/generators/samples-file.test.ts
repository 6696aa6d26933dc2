import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { samplesFile } from "./samples-file.ts";

const told = (count: number) => ({
  startMs: 1_000,
  requests: Array.from({ length: count }, (_, index) => ({
    plannedAtMs: 1_000 + index * 1.25,
    lagMs: 0.123,
    latencyMs: 3 + ((index * 7_919) % 1_000) / 10,
    outcome: "acknowledged" as const,
  })),
  visible: [{ atMs: 1_250, freshnessMs: 120.26 }],
  notAcknowledged: [],
  dropped: 0,
});

test("samples can be read again, from the start of the measured time", () => {
  const { name, bytes } = samplesFile(told(2));
  expect(name).toBe("samples.csv.gz");
  expect(gunzipSync(bytes).toString().split("\n").slice(1)).toEqual([
    "o,0,0.1,3,a",
    "o,1.3,0.1,94.9,a",
    "f,250,120.3",
    "",
  ]);
});

test("what is too much for git has another name", () => {
  expect(samplesFile(told(80_000)).name).toBe("samples.large.csv.gz");
});
