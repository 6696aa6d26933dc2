import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { openHistogram } from "./histogram.ts";

const options = {
  name: "age_seconds",
  help: "Age",
  labelNames: ["mode", "stage"],
  buckets: [0.01, 0.1, 1],
} as const;
const values = [0, 0.01, 0.010_001, 0.1, 0.5, 1, 2, 300];

test("a page has what prom-client's own histogram would have", async () => {
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
    // prom-client adds up in another order, so that sums differ in the last digit
    (await registry.metrics()).split("\n").filter((line) => !line.includes("_sum"));
  // a bucket into which nothing fell is there in both; a value taken no times makes its series, too
  expect(await lines(ours)).toEqual(await lines(theirs));
  expect(await ours.metrics()).toContain('age_seconds_count{mode="v1",stage="committed"} 28');
  expect(await ours.metrics()).toMatch(/age_seconds_sum\{mode="v1",stage="published"\} 2119\.33/);
});
