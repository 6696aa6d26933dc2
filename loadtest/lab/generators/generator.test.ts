import { expect, test } from "vitest";
import { k6Arguments, type Load } from "./generator.ts";

const load: Load = {
  generator: "k6",
  ...{ url: "http://127.0.0.1:1", route: "v2", profile: "constant", isPatient: false },
  ...{ requestsPerSecond: 400, ordersPerRequest: 10, warmUpSeconds: 3, seconds: 10, probesPerSecond: 5 },
  ...{ catalogue: { file: "/tmp/c.json", probeStores: ["a", "b"] }, seed: 1, run: 7, runStartMs: 9 },
};
const settingsOf = (more: Partial<Load> = {}): Record<string, string> => {
  const args = k6Arguments({ ...load, ...more }, "/tmp/run");
  const given = args.flatMap((arg, index) => (args[index - 1] === "-e" ? [arg] : []));
  return Object.fromEntries(given.map((each) => each.split("=") as [string, string]));
};

test("the load, the catalogue and the run stand in k6's environment", () => {
  expect(settingsOf()).toMatchObject({
    ...{ BASE_URL: "http://127.0.0.1:1", MODE: "v2", PROFILE: "constant", RATE: "400", DURATION: "10" },
    ...{ WARM_UP: "3", ORDERS_PER_REQUEST: "10", PROBE_STORES: "a,b", SAMPLES: "1", RUN: "7" },
  });
});

test("there are virtual users for every request that may be under way, and not more than a machine can wake", () => {
  const held = ({ MAX_VUS, REPLY_WITHIN }: Record<string, string>) => [Number(MAX_VUS), Number(REPLY_WITHIN)];
  expect(held(settingsOf())).toEqual([500, 1.2]);
  expect(held(settingsOf({ isPatient: true }))).toEqual([1_000, 2.4]);
  expect(held(settingsOf({ requestsPerSecond: 2 }))).toEqual([50, 1.2]);
  expect(held(settingsOf({ requestsPerSecond: 50_000 }))[0]).toBe(1_800);
});
