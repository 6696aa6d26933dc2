/** The scripts of k6 on stubs of its modules, because the project does not install k6. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { partsOf } from "./lib/ids.ts";

const k6 = vi.hoisted(() => {
  const sums: Record<string, number> = {};
  const posts: { url: string; body: string; key: string | undefined }[] = [];
  class Metric {
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
    add(value: number | boolean): void {
      sums[this.name] = (sums[this.name] ?? 0) + Number(value);
    }
  }
  const scenario = { name: "orders", iterationInTest: 0, startTime: 0, progress: 0 };
  const post = (url: string, body: string, { headers }: { headers: Record<string, string> }) => {
    // by setup, which sends no order
    if (body === "[]") return { status: 422, headers: {}, body: "" };
    posts.push({ url, body, key: headers["Idempotency-Key"] });
    // the third order is refused
    const status = posts.length === 3 ? 503 : 202;
    return { status, headers: {}, body: status === 202 ? "{}" : '{"type":"queue-full"}' };
  };
  return { sums, posts, Metric, scenario, http: { post, get: () => ({ status: 200 }) } };
});
vi.mock("k6", () => ({ sleep: () => undefined }));
vi.mock("k6/http", () => ({ default: k6.http }));
vi.mock("k6/data", () => ({
  SharedArray: function SharedArray(_name: string, make: () => unknown[]) {
    return make();
  },
}));
vi.mock("k6/execution", () => ({
  default: { scenario: k6.scenario, instance: { currentTestRunDuration: 5 } },
}));
vi.mock("k6/metrics", () => ({ Counter: k6.Metric, Rate: k6.Metric, Trend: k6.Metric }));
vi.mock("k6/timers", () => ({ setTimeout }));
vi.mock("k6/websockets", () => ({ WebSocket: class {} }));

const root = join(import.meta.dirname, "../..");
let main: typeof import("./main.ts");
beforeAll(async () => {
  const catalogue = join(root, "services/order-api/catalogue.json");
  const __ENV = { MODE: "v2", RUN: "9", PROFILE: "customers", CATALOGUE: catalogue, SUMMARY: "s.json" };
  Object.assign(globalThis, { __ENV, open: (file: string) => readFileSync(resolve(file), "utf8") });
  main = await import("./main.ts");
});

test("exports a function for every scenario of its options", () => {
  const { scenarios } = main.options as unknown as { scenarios: Record<string, { exec: string }> };
  expect(Object.keys(scenarios)).toEqual(["orders", "regulars", "lovers", "app", "readers", "watchers"]);
  for (const { exec } of Object.values(scenarios))
    expect((main as unknown as Record<string, unknown>)[exec]).toBeTypeOf("function");
});

test("sends each order with its id, and counts outcomes", () => {
  const log = vi.spyOn(console, "log").mockReturnValue();
  expect(main.setup().startedAtMs).toBeGreaterThan(0);
  for (k6.scenario.iterationInTest = 0; k6.scenario.iterationInTest < 3; k6.scenario.iterationInTest++)
    main.order();
  expect(k6.posts.map(({ url }) => url)).toEqual(Array(3).fill("http://127.0.0.1:8005/api/v2/order"));
  const places = k6.posts.map(({ key }) => partsOf(key ?? ""));
  expect(places.map((place) => [place?.run, place?.scenario, place?.iteration])).toEqual([
    [9, 1, 0],
    [9, 1, 1],
    [9, 1, 2],
  ]);
  const ledger = {
    ledger: 1,
    scenario: 1,
    iteration: 2,
    outcome: "refused",
    status: 503,
    type: "queue-full",
  };
  expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([ledger]);
  log.mockRestore();
  expect(k6.sums).toMatchObject({ orders_acknowledged: 2, orders_refused: 1, orders_failed: 1 });
});

test("writes the summary and prints the missed objectives", () => {
  const data = {
    metrics: { orders_acknowledged: { values: { count: 2 } }, orders_failed: { values: { rate: 1 } } },
  };
  const { stdout, "s.json": json } = main.handleSummary(data);
  expect(stdout).toContain("2 acknowledged");
  expect(JSON.parse(json ?? "")).toMatchObject({ generator: "k6", run: 9, orders: { acknowledged: 2 } });
});
