import { afterAll, beforeAll } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { serverNames } from "#shared/servers.ts";
import { migrate } from "../../db/migrate.ts";
import { addressesOf, type Servers, startServers, withoutServers } from "../../dev/system/servers/start.ts";
import type { Backends } from "./mode-under-test.ts";
import { describeContract } from "./suite.ts";

let servers: Required<Servers>;
beforeAll(async () => {
  const wanted = Object.fromEntries(serverNames.map((name) => [name, {}]));
  servers = (await startServers(
    { ...wanted, postgres: { durable: false } },
    withoutServers(process.env),
  )) as Required<Servers>;
  await migrate(servers.postgres.url, () => undefined);
});
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});

for (const mode of modes)
  describeContract(
    mode,
    (): Backends => ({
      ...servers,
      backend: servers[mode.backend],
      addresses: addressesOf(servers),
      workerFile: "services/worker/main.ts",
    }),
  );
