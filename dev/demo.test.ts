import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { startDemo } from "./demo.ts";

const catalogue = catalogueFrom({ stores: ["uptown", "central"], drinks: ["latte", "americano"] });
const opened: Server[] = [];

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

afterEach(async () => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(5);
};

test("sends its share to every mode until the signal aborts", async () => {
  const paths = new Map<string, number>();
  const url = await serve((request, response) => {
    paths.set(request.url ?? "", (paths.get(request.url ?? "") ?? 0) + 1);
    request.resume().on("end", () => response.writeHead(202).end("{}"));
  });
  const stop = new AbortController();
  const demo = startDemo({
    url,
    modes: ["v1", "v2"],
    catalogue,
    ordersPerSecond: 2_000,
    seed: 1,
    signal: stop.signal,
  });
  await until(() => demo.counts().accepted > 100);
  stop.abort();
  await demo.done;
  expect([...paths.keys()].sort()).toEqual(["/api/v1/order", "/api/v2/order"]);
  const total = [...paths.values()].reduce((sum, count) => sum + count);
  expect((paths.get("/api/v1/order") ?? 0) / total).toBeGreaterThan(0.3);
});

test("counts 503 and refused connections as dropped", async () => {
  const url = await serve((request, response) => {
    request.resume().on("end", () => response.writeHead(503).end());
  });
  const stop = new AbortController();
  const refused = {
    url: "http://127.0.0.1:1",
    modes: ["v1"],
    catalogue,
    ordersPerSecond: 2_000,
    signal: stop.signal,
  };
  const demos = [startDemo({ ...refused, url }), startDemo(refused)];
  await until(() => demos.every((demo) => demo.counts().dropped > 20));
  stop.abort();
  await Promise.all(demos.map((demo) => demo.done));
  expect(demos.map((demo) => demo.counts().accepted)).toEqual([0, 0]);
});
