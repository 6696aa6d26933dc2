/** npm start: the whole system on this machine with a little demo traffic, until Ctrl-C. */
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { modes as allModes } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { servers, serversOf } from "#shared/servers.ts";
import { buildPageIfStale } from "./build-dashboard.ts";
import { type Demo, startDemo } from "./demo.ts";
import { agentFor } from "./observe/exporters.ts";
import { type Prometheus, startPrometheus } from "./observe/prometheus.ts";
import { type CheckedSettings, checkSettings, reachGivenServers } from "./settings.ts";
import { openStatus, type Status } from "./status.ts";
import { type System, type SystemOptions, startSystem } from "./system/launcher.ts";
import { openProgress } from "./system/progress.ts";
import { readRunning, writeRunning } from "./system/running.ts";
import { stateFolder } from "./system/servers/data-dir.ts";

const USAGE = `npm start                         everything, with demo traffic
npm start -- --no-demo            without demo traffic
npm start -- --modes v1,v2        only these modes
npm start -- --observe            with Prometheus, its exporters, and the rules of grafana/
PORT=8006 npm start               the API on another port`;

const DEFAULT_PORT = 8005;
/** Away from the servers' usual ports, which a developer's own may hold. */
const PREFERRED_PORTS = { postgres: 25_432, board: 26_379, stream: 26_380, kafka: 29_092, metrics: 29_464 };
/** A terminal's Ctrl-C reaches npm, the bootstrap and us, and each hands it on. */
const ONE_KEY_PRESS_MS = 1_000;
const root = join(import.meta.dirname, "..");
const say = (line: string): void => console.log(line);
const give = (line: string, status: number): never => {
  console.error(line);
  process.exit(status);
};

type Arguments = {
  readonly modes: readonly string[];
  readonly demo: boolean;
  readonly observes: boolean;
  readonly port: number;
};

const readArguments = (): Arguments => {
  const { values } = parseArgs({
    options: {
      modes: { type: "string" },
      // as other commands call it
      mode: { type: "string" },
      "no-demo": { type: "boolean" },
      observe: { type: "boolean", default: false },
      help: { type: "boolean" },
    },
  });
  if (values.help) give(USAGE, 0);
  const known = allModes.map((mode) => mode.name);
  const modes = (values.modes ?? values.mode)?.split(",").map((mode) => mode.trim()) ?? known;
  const unknown = modes.filter((mode) => !known.includes(mode));
  if (unknown.length > 0) throw new Error(`--modes knows ${known.join(", ")}, not ${unknown.join(", ")}`);
  const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`PORT is "${process.env["PORT"]}": expected a whole number from 1 to 65535`);
  return { modes: [...new Set(modes)], demo: values["no-demo"] !== true, observes: values.observe, port };
};

const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** What a newcomer needs to see it work. */
const banner = (
  { url, modes }: System,
  { tokens }: CheckedSettings,
  prometheusUrl: string | undefined,
): string => {
  const titles = allModes
    .filter((mode) => modes.includes(mode.name))
    .map((mode) => `${mode.name} (${mode.title})`);
  return `
Coffee-RT takes orders by ${titles.join(", ")}

  the page    ${url}/

  API         ${url}/docs
  dashboard   ${url}/api/dashboard
  sales       ${url}/api/sales
  live        ${url.replace("http", "ws")}/ws/dashboard
  readiness   ${url}/readyz
  metrics     ${url}/metrics${prometheusUrl ? `\n  Prometheus  ${prometheusUrl}/alerts` : ""}

  curl -i ${url}/api/${modes[0]}/order -H 'content-type: application/json' \\${tokens !== null ? `\n       -H "authorization: Bearer $API_TOKEN" \\` : ""}
       -d '{"drink":"latte","store":"uptown","price":4.50}'

Ctrl-C stops everything; the data stays.
`;
};

/** Requests without a token would all be denied, and would hide other denied ones in the metric. */
const TOKEN_IS_MISSING =
  "API_TOKEN is not set: no demo traffic and no status. Start with API_TOKEN set to a token that may write and read.";

/** The system runs on where Prometheus cannot be had. */
const startObserved = async (
  options: SystemOptions & { onLine(line: string): void },
  observes: boolean,
): Promise<{ system: System; prometheus: Prometheus | null }> => {
  const { onLine, modes } = options;
  if (!observes) return { system: await startSystem(options), prometheus: null };
  const { agent, servers } = await agentFor(modes, onLine);
  const system = await startSystem({ ...options, servers });
  try {
    const dataDir = join(system.folder, "observe");
    return { system, prometheus: await startPrometheus({ system, agent, dataDir, log: onLine }) };
  } catch (error) {
    onLine(`Prometheus does not run: ${messageOf(error)}`);
    return { system, prometheus: null };
  }
};

/** What the page may do here, unless the environment says otherwise: this is for trying it out. */
const PAGE_ENV = { PAGE_ORDERS_PER_SECOND: "100", CURRENCY: "USD" };
const pageEnv = (): Record<string, string> =>
  Object.fromEntries(Object.entries(PAGE_ENV).map(([name, value]) => [name, process.env[name] ?? value]));

/** The API works without it, and says so at its address. */
const buildPage = async (): Promise<void> => {
  try {
    await buildPageIfStale();
  } catch (error) {
    say(`the page could not be built: ${messageOf(error)}`);
  }
};

const main = async (): Promise<void> => {
  const { modes, demo, observes, port } = readArguments();
  if (!(await portIsFree(port))) {
    const running = readRunning(root);
    const advice =
      running === null
        ? "stop what uses it, or choose another with PORT=8006 npm start"
        : `this folder's system runs at ${running.url}. Stop it first, or start another one from another clone with PORT=8006 npm start`;
    give(`Port ${port} is taken: ${advice}`, 1);
  }
  const checked = checkSettings(modes, process.env);
  if (observes && checked.protectsMetrics)
    throw new Error(
      "PROTECT_METRICS is true: expected false with --observe, which reads /metrics without a token.",
    );
  await reachGivenServers(modes, process.env);
  const stopping = new AbortController();
  let status: Status | undefined;
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
  const needed = serversOf(allModes.filter(({ name }) => modes.includes(name)));
  say(`starting ${modes.join(", ")} with ${needed.map((server) => servers[server].title).join(", ")} …`);
  const dataDir = join(stateFolder(root), "data", "start");
  const options = {
    modes,
    dataDir,
    environment: process.env,
    leavesModesOut: true,
    ports: { ...PREFERRED_PORTS, api: port },
    env: pageEnv(),
    onLine,
  };
  const starting = startObserved(options, observes);
  const progress = openProgress(onLine);
  const building = progress.during("the page to be built", buildPage());
  const early = await Promise.race([starting, asked.then(() => null)]);
  const { system, prometheus } = early ?? (await starting);
  if (early) {
    await building;
    say(banner(system, checked, prometheus?.url));
    const forget = writeRunning(root, { pid: process.pid, url: system.url, env: system.env });
    const { signal } = stopping;
    const token = process.env["API_TOKEN"] || null;
    let traffic: Demo | undefined;
    if (checked.tokens !== null && token === null) say(TOKEN_IS_MISSING);
    else {
      status = openStatus(system.url, token, process.stdout);
      const { url, modes } = system;
      if (demo) traffic = startDemo({ url, modes, catalogue: checked.catalogue, token, signal });
    }
    await asked;
    status?.close();
    stopping.abort();
    await traffic?.done;
    forget();
  }
  if (prometheus) await progress.during("Prometheus to stop", prometheus.close());
  await system.stop();
  say("stopped");
};

try {
  await main();
  process.exit(0);
} catch (error) {
  give(messageOf(error), 1);
}
