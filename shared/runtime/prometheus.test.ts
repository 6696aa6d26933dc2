import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import {
  ACK_BUCKETS_SECONDS,
  BATCH_BUCKETS_ORDERS,
  boundedLabel,
  FRESHNESS_BUCKETS_SECONDS,
  openHistogram,
  openRegistry,
  openTally,
} from "./prometheus.ts";

test("a registry has the metrics of build, process and event loop, and shares none with another", async () => {
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

test("a bounded label keeps the first names and maps all others to one", () => {
  const label = boundedLabel(["uptown", "central", "southend"], 2);
  const names = ["uptown", "central", "southend", "mars", "", "__proto__"];
  expect(names.map(label)).toEqual(["uptown", "central", ...Array(4).fill("other")]);
});

test("a bounded label has at most one value more than its bound, whatever the names", () => {
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
])("the %s buckets ascend and have a bound at their objective", (_, buckets, objective) => {
  expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b));
  expect(buckets).toContain(objective);
});

const options = {
  name: "age_seconds",
  help: "Age",
  labelNames: ["mode", "stage"],
  buckets: [0.01, 0.1, 1],
} as const;
const values = [0, 0.01, 0.010_001, 0.1, 0.5, 1, 2, 300];

test("a histogram's page equals that of prom-client's own", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const observe = openHistogram({ ...options, registry: ours });
  const histogram = new Histogram({
    ...options,
    labelNames: [...options.labelNames],
    buckets: [...options.buckets],
    registers: [theirs],
  });
  expect(await ours.metrics()).toBe(await theirs.metrics());
  for (const stage of ["committed", "published"])
    for (const [index, value] of values.entries()) {
      observe(value, index, "v1", stage);
      for (let time = 0; time < index; time++) histogram.observe({ mode: "v1", stage }, value);
    }
  const lines = async (registry: Registry): Promise<string[]> =>
    // prom-client adds in another order, so sums differ in the last digit
    (await registry.metrics()).split("\n").filter((line) => !line.includes("_sum"));
  // empty buckets are included, and a value observed 0 times creates its series
  expect(await lines(ours)).toEqual(await lines(theirs));
  expect(await ours.metrics()).toContain('age_seconds_count{mode="v1",stage="committed"} 28');
  expect(await ours.metrics()).toMatch(/age_seconds_sum\{mode="v1",stage="published"\} 2119\.33/);
});

test("a tally sums amounts by their labels, and each scrape includes all earlier ones", async () => {
  const registry = new Registry();
  const sold = openTally({ name: "sold_total", help: "Sold", labelNames: ["drink", "store"], registry });
  const lines = async () => (await registry.metrics()).split("\n").filter((line) => line.startsWith("sold"));
  sold(1, "latte", "uptown");
  sold(2, "latte", "uptown");
  sold(1, "flat white", "uptown");
  const flatWhite = 'sold_total{drink="flat white",store="uptown"} 1';
  expect(await lines()).toEqual(['sold_total{drink="latte",store="uptown"} 3', flatWhite]);
  sold(4, "latte", "uptown");
  expect(await lines()).toEqual(['sold_total{drink="latte",store="uptown"} 7', flatWhite]);
});

test("a tally takes amounts in a finer unit, and 0 creates its series", async () => {
  const registry = new Registry();
  const value = openTally({
    name: "value_total",
    help: "Value",
    labelNames: ["store"],
    registry,
    unit: 0.01,
  });
  value(449, "uptown");
  value(1, "uptown");
  value(0, "downtown");
  const page = (await registry.metrics()).split("\n");
  expect(page).toContain('value_total{store="uptown"} 4.5');
  expect(page).toContain('value_total{store="downtown"} 0');
});
