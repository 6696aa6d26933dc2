import { expect, test } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { serveForTest } from "../test/temporary.ts";
import { startDemo } from "./demo.ts";
import { waitUntil } from "./system/wait.ts";

const catalogue = catalogueFrom({ stores: ["uptown", "central"], drinks: ["latte", "americano"] });

test("sends its share to every mode until the signal aborts", async () => {
  const paths = new Map<string, number>();
  const { url } = await serveForTest((request, response) => {
    paths.set(request.url ?? "", (paths.get(request.url ?? "") ?? 0) + 1);
    request.resume().on("end", () => response.writeHead(202).end("{}"));
  });
  const stop = new AbortController();
  const options = { url, catalogue, ordersPerSecond: 2_000, seed: 1, signal: stop.signal };
  const demo = startDemo({ ...options, modes: ["v1", "v2"] });
  await waitUntil("orders are accepted", () => demo.counts().accepted > 100);
  stop.abort();
  await demo.done;
  expect([...paths.keys()].sort()).toEqual(["/api/v1/order", "/api/v2/order"]);
  const total = [...paths.values()].reduce((sum, count) => sum + count);
  expect((paths.get("/api/v1/order") ?? 0) / total).toBeGreaterThan(0.3);
});

test.each([401, 403])("sends no further orders in a mode that answers %i", async (status) => {
  const paths: string[] = [];
  const { url } = await serveForTest((request, response) => {
    const path = request.url ?? "";
    paths.push(path);
    request.resume().on("end", () => response.writeHead(path === "/api/v1/order" ? status : 202).end("{}"));
  });
  const stop = new AbortController();
  const options = { url, catalogue, ordersPerSecond: 500, seed: 1, signal: stop.signal };
  const demo = startDemo({ ...options, modes: ["v1", "v2"] });
  await waitUntil("the other mode has its orders", () => demo.counts().accepted > 200);
  stop.abort();
  await demo.done;
  // those that were under way before the first reply
  expect(paths.filter((path) => path === "/api/v1/order").length).toBeLessThan(60);
});

test("counts 503 and refused connections as dropped", async () => {
  const { url } = await serveForTest((request, response) => {
    request.resume().on("end", () => response.writeHead(503).end());
  });
  const stop = new AbortController();
  const options = { modes: ["v1"], catalogue, ordersPerSecond: 2_000, signal: stop.signal };
  const refused = { ...options, url: "http://127.0.0.1:1" };
  const demos = [startDemo({ ...refused, url }), startDemo(refused)];
  await waitUntil("orders are dropped", () => demos.every((demo) => demo.counts().dropped > 20));
  stop.abort();
  await Promise.all(demos.map((demo) => demo.done));
  expect(demos.map((demo) => demo.counts().accepted)).toEqual([0, 0]);
});
