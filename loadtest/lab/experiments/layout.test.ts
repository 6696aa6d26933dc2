import { expect, test } from "vitest";
import type { Point } from "./experiment.ts";
import { planned } from "./layout.ts";

const point: Point = {
  arrangement: "v2",
  name: "sync no",
  varied: { appendfsync: "no" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: 10 },
  servers: { stream: { appendfsync: "no" } },
};

test("a share of capacity becomes requests of the point's size, and stands in its name", () => {
  const { name, varied, order } = planned(point, "standard", 7, () => 6_010);
  expect(name).toBe("v2 sync no 10-order 301/s");
  expect(varied).toEqual({ rate: 301, ordersPerRequest: 10, appendfsync: "no" });
  expect(order.load).toMatchObject({ requestsPerSecond: 301, seconds: 30, warmUpSeconds: 10, seed: 7 });
  expect(order.setting).toMatchObject({ workers: 1, servers: { stream: { appendfsync: "no" } } });
});

test("small rates keep a tenth, and are never nothing", () => {
  const at = (capacity: number): unknown =>
    planned(point, "smoke", 1, () => capacity).order.load.requestsPerSecond;
  expect([at(60), at(0.1)]).toEqual([3, 0.1]);
});

test("what nobody knows is said, and the null route has no probes", () => {
  expect(() => planned(point, "smoke", 1, () => null)).toThrow(/nobody knows yet what v2 carries: run E2/);
  const bare: Point = { arrangement: "null", name: "", varied: {}, load: { rate: 300 } };
  expect(planned(bare, "smoke", 1, () => null)).toMatchObject({
    name: "null 1-order 300/s",
    order: { load: { probesPerSecond: 0 } },
  });
  expect(() => planned({ ...bare, arrangement: "v9" }, "smoke", 1, () => null)).toThrow(
    /there is no "v9" to measure: it may be null, v1/,
  );
});
