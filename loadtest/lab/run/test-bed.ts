/** Fresh ground for one run: servers, an empty database, a topic of its own, and the programs of one mode. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import type { ServerName } from "#shared/servers.ts";
import type { Pool } from "#shared/store/pool.ts";
import { type HttpProgram, openPrograms } from "../../../dev/system/programs.ts";
import { freePort } from "../../../dev/system/servers/ports.ts";
import { addressesOf, type Servers } from "../../../dev/system/servers/start.ts";
import type { Variables } from "../experiments/experiment.ts";
import { type LabCatalogue, writeCatalogue } from "../generators/catalogue.ts";
import { type Arrangement, arrangementNamed } from "./arrangements.ts";
import type { Pinning } from "./environment.ts";
import { builtPeer } from "./peers.ts";
import { openLabPool, openSuiteServers, type Provided, type ServersOptions } from "./servers.ts";
import { warmUpBroker } from "./warm-up.ts";

export type Setting = {
  readonly arrangement: Arrangement;
  readonly settings: Variables;
  readonly servers: Partial<Readonly<Record<ServerName, Variables>>>;
  readonly workers: number;
  /** Processes of the order API, and of wrk in a closed loop; 1 by default. */
  readonly apis?: number | undefined;
  readonly generators?: number | undefined;
  readonly stores?: number | undefined;
  readonly prepare?: string | undefined;
};

export type SystemUnderTest = {
  /** Of the first API. */
  readonly url: string;
  /** Of every API. */
  readonly urls: readonly string[];
  readonly servers: Servers;
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly catalogue: LabCatalogue;
  /** Of this run alone, as Kafka knows it. */
  readonly topic: string;
  /** Those that run, the oldest first. */
  readonly workers: HttpProgram[];
  api(): HttpProgram | null;
  /** Resolves when orders are taken, and every worker answers. */
  start(): Promise<void>;
  startWorker(): Promise<HttpProgram>;
  /** By the names that results have; one that is down is left out. */
  pids(): Map<string, number>;
  metricUrls(): Map<string, string>;
  /** The end of each program's log. */
  logs(): string;
  /** Ends the programs and takes the data away; the servers stay. */
  close(): Promise<void>;
};

export type TestBed = {
  open(setting: Setting): Promise<SystemUnderTest>;
  /** Between two systems: servers that are kept for the next one use no CPU meanwhile. */
  rest(): Promise<void>;
  close(): Promise<void>;
};

type TestBedOptions = ServersOptions & {
  readonly pinning: Pinning;
  /** Of another checkout, whose programs are measured. */
  readonly root?: string | undefined;
  /** Ends what a run has to wait for. */
  readonly signal?: AbortSignal | undefined;
};

const LOG_TAIL_CHARACTERS = 6_000;

export const openTestBed = (options: TestBedOptions): TestBed => {
  const suite = openSuiteServers(options);
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-lab-"));
  let systems = 0;
  const openOn = async (setting: Setting, { servers, databases }: Provided): Promise<SystemUnderTest> => {
    const databaseUrl = await databases.fresh(setting.prepare);
    const number = ++systems;
    const own = join(folder, String(number));
    mkdirSync(own);
    const system = await openSystem({ setting, servers, databaseUrl, folder: own, number, options });
    return {
      ...system,
      close: async () => {
        await system.close();
        await databases.drop(databaseUrl).catch((error) => options.log(messageOf(error)));
        rmSync(own, { recursive: true, force: true });
      },
    };
  };
  let warmBroker = 0;
  return {
    open: async (setting) => {
      const provided = await suite.provide(setting.arrangement.servers, setting.servers);
      const { servers } = setting.arrangement;
      const broker = servers.includes("kafka") ? pidOf(provided.servers.kafka) : 0;
      if (broker !== 0 && broker !== warmBroker) {
        const v3 = { ...setting, arrangement: arrangementNamed("v3") };
        await warmUpBroker(await openOn(v3, provided), options.signal);
        warmBroker = broker;
      }
      return openOn(setting, provided);
    },
    rest: suite.rest,
    close: async () => {
      await suite.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

type Opening = {
  readonly setting: Setting;
  readonly servers: Servers;
  readonly databaseUrl: string;
  readonly folder: string;
  readonly number: number;
  readonly options: TestBedOptions;
};

const openSystem = async (opening: Opening): Promise<SystemUnderTest> => {
  const { setting, servers, databaseUrl, folder, options } = opening;
  const { arrangement } = setting;
  const closers = openClosers();
  const catalogue = writeCatalogue(folder, setting.stores);
  const pool = openLabPool(databaseUrl);
  closers.add("the lab's connections", () => pool.end());
  const ports = await Promise.all(Array.from({ length: setting.apis ?? 1 }, () => freePort()));
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const env = environmentOf(opening, catalogue);
  const programs = openPrograms({
    addresses: () => ({ ...addressesOf(servers), DATABASE_URL: databaseUrl }),
    env: { LOG_LEVEL: "warn" },
    folder,
    closers,
    // the figures show what a fault does to programs
    onLine: () => undefined,
    cores: options.pinning.system ?? undefined,
    root: options.root,
  });
  const workers: HttpProgram[] = [];
  const apis: HttpProgram[] = [];

  const startWorker = async (): Promise<HttpProgram> => {
    const worker = await programs.startWorker(arrangement.mode ?? "", env);
    await worker.ready();
    workers.push(worker);
    return worker;
  };
  const startApi = async (port: number): Promise<void> => {
    const { program } = arrangement;
    const file = typeof program === "string" ? program : await builtPeer(program, options.log);
    const api = await programs.startApi({ ...env, PORT: String(port) }, file);
    await api.ready();
    apis.push(api);
  };
  const count = arrangement.mode === null ? 0 : setting.workers;
  const ofWorkers = <T>(of: (worker: HttpProgram) => T): [string, T][] =>
    workers.map((worker, index) => [numbered(`worker-${arrangement.mode}`, index), of(worker)]);
  return {
    ...{ url: urls[0] ?? "", urls, databaseUrl },
    ...{ servers, pool, catalogue, topic: topicOf(opening.number), workers, startWorker },
    api: () => apis[0] ?? null,
    start: async () => {
      await Promise.all([...ports.map(startApi), ...Array.from({ length: count }, startWorker)]);
    },
    pids: () =>
      new Map(
        [
          ...apis.map((api, index) => [numbered("order-api", index), api.pid() ?? 0] as const),
          ...ofWorkers((worker) => worker.pid() ?? 0),
          ...Object.values(servers).map((server) => [server.name, pidOf(server)] as const),
        ].filter(([, pid]) => pid > 0),
      ),
    metricUrls: () =>
      new Map([
        ...urls.map((url, index) => [numbered("order-api", index), `${url}/metrics`] as const),
        ...ofWorkers((worker) => `${worker.url}/metrics`),
      ]),
    logs: () => logsIn(folder),
    close: async () => {
      for (const failure of await closers.closeAll()) options.log(failure.message);
    },
  };
};

const topicOf = (number: number): string => `coffee-orders-${number}`;

/** "worker-v2", and further ones "worker-v2-2". */
export const numbered = (name: string, index: number): string =>
  index === 0 ? name : `${name}-${index + 1}`;

const environmentOf = ({ setting, number }: Opening, catalogue: LabCatalogue): Record<string, string> => ({
  CATALOGUE_FILE: catalogue.file,
  PINNED_STORES: catalogue.probeStores.join(","),
  V3_TOPIC: topicOf(number),
  V3_GROUP: `counters-${number}`,
  ...setting.arrangement.settings,
  ...setting.settings,
});

/** 0 while it is down, and for an external server. */
const pidOf = (server: Servers[ServerName]): number => {
  try {
    return server?.pid() ?? 0;
  } catch {
    return 0;
  }
};

const logsIn = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name) => `== ${name}\n${readFileSync(join(folder, name), "utf8").slice(-LOG_TAIL_CHARACTERS)}`)
    .join("\n");
