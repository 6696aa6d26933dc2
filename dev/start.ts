/** npm start: the whole system on this machine with a little demo traffic, until Ctrl-C. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Catalogue, catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes as allModes } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { startDemo } from "./demo.ts";
import { writeRunning } from "./running.ts";
import { stateFolder } from "./servers/data-dir.ts";
import { type Stack, startStack } from "./stack.ts";
import { openStatus } from "./status.ts";

const USAGE = `npm start                         everything, with demo traffic
npm start -- --no-demo            without demo traffic
npm start -- --modes v1,v2        only these modes
PORT=8006 npm start               the API on another port`;

const DEFAULT_PORT = 8005;
/** A terminal's Ctrl-C reaches npm, the bootstrap and us, and each hands it on. */
const ONE_KEY_PRESS_MS = 1_000;
const root = join(import.meta.dirname, "..");
const say = (line: string): void => console.log(line);
const give = (line: string, status: number): never => {
  console.error(line);
  process.exit(status);
};

type Arguments = { readonly modes: readonly string[]; readonly demo: boolean; readonly port: number };

const readArguments = (): Arguments => {
  const { values } = parseArgs({
    options: { modes: { type: "string" }, "no-demo": { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) give(USAGE, 0);
  const known = allModes.map((mode) => mode.name);
  const modes = values.modes?.split(",").map((mode) => mode.trim()) ?? known;
  const unknown = modes.filter((mode) => !known.includes(mode));
  if (unknown.length > 0) throw new Error(`--modes knows ${known.join(", ")}, not ${unknown.join(", ")}`);
  const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`PORT is "${process.env["PORT"]}": expected a whole number from 1 to 65535`);
  return { modes: [...new Set(modes)], demo: values["no-demo"] !== true, port };
};

const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

const readCatalogue = (): Catalogue => {
  const file = process.env["CATALOGUE_FILE"] || join(root, "services/order-api/catalogue.json");
  return catalogueFrom(JSON.parse(readFileSync(file, "utf8")));
};

/** What a newcomer needs to see it work. */
const banner = ({ url, modes }: Stack): string => {
  const titles = allModes
    .filter((mode) => modes.includes(mode.name))
    .map((mode) => `${mode.name} (${mode.title})`);
  return `
Coffee-RT takes orders by ${titles.join(", ")}

  API         ${url}/docs
  dashboard   ${url}/api/dashboard
  sales       ${url}/api/sales
  live        ${url.replace("http", "ws")}/ws/dashboard
  readiness   ${url}/readyz
  metrics     ${url}/metrics

  curl -i ${url}/api/${modes[0]}/order -H 'content-type: application/json' \\
       -d '{"drink":"latte","store":"uptown","price":4.50}'

Ctrl-C stops everything; the data stays.
`;
};

const main = async (): Promise<void> => {
  const { modes, demo, port } = readArguments();
  if (!(await portIsFree(port)))
    give(`Port ${port} is taken: stop what uses it, or choose another with PORT=8006 npm start`, 1);
  const stopping = new AbortController();
  let status: ReturnType<typeof openStatus> | undefined;
  const onLine = (line: string): void => (status ? status.say(line) : say(line));
  const asked = new Promise<void>((resolve) => {
    let askedAt = 0;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => {
        if (askedAt === 0) {
          askedAt = Date.now();
          say("\nstopping (once more ends at once)");
          resolve();
        } else if (Date.now() - askedAt > ONE_KEY_PRESS_MS)
          give("ended at once; the servers stop by themselves", 130);
      });
  });
  say(
    `starting ${modes.join(", ")} with PostgreSQL${modes.includes("v3") ? ", Redis and Kafka" : " and Redis"} …`,
  );
  const starting = startStack({
    modes,
    dataDir: join(stateFolder(root), "data", "start"),
    apiPort: port,
    onLine,
  });
  const early = await Promise.race([starting, asked.then(() => null)]);
  const stack = early ?? (await starting);
  if (early) {
    say(banner(stack));
    const forget = writeRunning(root, { pid: process.pid, url: stack.url, env: stack.env });
    status = openStatus(stack.url, process.stdout);
    const traffic = demo
      ? startDemo({ url: stack.url, modes: stack.modes, catalogue: readCatalogue(), signal: stopping.signal })
      : null;
    await asked;
    status.close();
    stopping.abort();
    await traffic?.done;
    forget();
  }
  await stack.stop();
  say("stopped");
};

try {
  await main();
  process.exit(0);
} catch (error) {
  give(messageOf(error), 1);
}
