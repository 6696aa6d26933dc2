import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { openTally } from "./tally.ts";

test("amounts are summed by their labels, and each scrape has all that came before it", async () => {
  const registry = new Registry();
  const sold = openTally({ name: "sold_total", help: "Sold", labelNames: ["drink", "store"], registry });
  sold(1, "latte", "uptown");
  sold(2, "latte", "uptown");
  sold(1, "flat white", "uptown");
  const first = (await registry.metrics()).split("\n");
  expect(first).toContain('sold_total{drink="latte",store="uptown"} 3');
  expect(first).toContain('sold_total{drink="flat white",store="uptown"} 1');
  sold(4, "latte", "uptown");
  const second = (await registry.metrics()).split("\n");
  expect(second).toContain('sold_total{drink="latte",store="uptown"} 7');
  expect(second).toContain('sold_total{drink="flat white",store="uptown"} 1');
});

test("amounts may come in a finer unit than the metric's, and nothing is a figure too", async () => {
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
