import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ACK_BUCKETS_SECONDS,
  BATCH_BUCKETS_ORDERS,
  boundedLabel,
  FRESHNESS_BUCKETS_SECONDS,
  openRegistry,
} from "./prometheus.ts";

test("a registry tells of the build, the process and the event loop; two do not meet", async () => {
  const registry = openRegistry("worker", "1.2.3");
  const text = await registry.metrics();
  expect(text).toContain(`coffee_build_info{program="worker",version="1.2.3",node="${process.version}"} 1`);
  for (const metric of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
  ])
    expect(text).toMatch(new RegExp(`^${metric} [0-9.e+-]+$`, "m"));
  expect(await openRegistry("order-api", "1.2.3").metrics()).not.toContain("worker");
});

test("the first names are labels as they are, all others are one", () => {
  const label = boundedLabel(["uptown", "central", "southend"], 2);
  expect(["uptown", "central", "southend", "mars", "", "__proto__"].map(label)).toEqual([
    "uptown",
    "central",
    "other",
    "other",
    "other",
    "other",
  ]);
});

test("however many names there are, a label has at most one value more than its bound", () => {
  const names = fc.array(fc.string(), { maxLength: 100 });
  fc.assert(
    fc.property(names, fc.nat(20), names, (known, most, seen) => {
      const label = boundedLabel(known, most);
      expect(new Set([...known, ...seen].map(label)).size).toBeLessThanOrEqual(most + 1);
      for (const name of known.slice(0, most)) expect(label(name)).toBe(name);
    }),
  );
});

test.each([
  ["ack", ACK_BUCKETS_SECONDS, 2],
  ["freshness", FRESHNESS_BUCKETS_SECONDS, 65],
  ["batch", BATCH_BUCKETS_ORDERS, 2_000],
])("the %s buckets rise and have an edge at their objective", (_, buckets, objective) => {
  expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b));
  expect(buckets).toContain(objective);
});
