/** The contract holds for a mode outside the product, without an edit outside its folder. */
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { migrate } from "../../db/migrate.ts";
import { serverFolder } from "../../dev/system/servers/data-dir.ts";
import { freePort } from "../../dev/system/servers/ports.ts";
import { launch } from "../../dev/system/servers/process.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { addressesOf, type Servers, startServers } from "../../dev/system/servers/start.ts";
import { memory } from "./memory-mode/mode.ts";
import { isFulfilled } from "./mode-under-test.ts";
import { describeContract } from "./suite.ts";

const startMemoryServer = async (): Promise<Server> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { folder, temporary } = serverFolder("memory");
  const isReady = () => isFulfilled(fetch(`${url}/any/backlog`));
  return launch({
    name: "memory",
    url,
    port,
    command: process.execPath,
    args: [join(import.meta.dirname, "memory-mode/server.ts"), String(port)],
    folder,
    temporary,
    stopSignal: "SIGTERM",
    stopWithinMs: 2_000,
    isReady,
    readyWithinMs: 120_000,
  });
};

let servers: Required<Pick<Servers, "postgres" | "board">>;
let backend: Server;
beforeAll(async () => {
  const [started, memoryServer] = await Promise.all([
    startServers({ postgres: { durable: false }, board: {} }, {}),
    startMemoryServer(),
  ]);
  servers = started as typeof servers;
  backend = memoryServer;
  await migrate(servers.postgres.url, () => undefined);
});
afterAll(() => Promise.all([backend, servers.postgres, servers.board].map((server) => server.stop())));

describeContract(memory, () => ({
  ...servers,
  backend,
  addresses: { ...addressesOf(servers), MEMORY_URL: backend.url },
  workerFile: "test/contract/memory-mode/worker.ts",
}));
