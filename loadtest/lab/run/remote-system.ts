/**
 * An external system, named by BASE_URL. The lab empties it before each run, as it cannot give it a new
 * database; it cannot change its settings or inject faults. CPU and memory come from its programs' /metrics.
 */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { emptied } from "../../../dev/system/database.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import type { LabCatalogue } from "../generators/catalogue.ts";
import { openLabPool } from "./servers.ts";
import { numbered, type Setting, type SystemUnderTest, type TestBed } from "./test-bed.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const READY_WITHIN_MS = 60_000;
const root = join(import.meta.dirname, "..", "..", "..");
const listed = (text = ""): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** Throws a sentence for what is missing, before anything is done. */
export const openRemoteSystem = (environment: Environment, mayWipe: boolean): TestBed => {
  const url = (environment["BASE_URL"] ?? "").replace(/\/+$/, "");
  const databaseUrl = environment["DATABASE_URL"];
  const probeStores = listed(environment["PROBE_STORES"]);
  if (!databaseUrl)
    throw new Error(
      "BASE_URL names a running system: DATABASE_URL has to name its PostgreSQL, for the audit",
    );
  if (probeStores.length === 0)
    throw new Error(
      "BASE_URL names a running system: PROBE_STORES has to name stores of its catalogue that are pinned",
    );
  if (!mayWipe)
    throw new Error("BASE_URL names a system that has to be emptied for each run: --wipe allows it");
  const catalogue = catalogueOf(environment["CATALOGUE"], probeStores);
  const workers = listed(environment["WORKER_METRICS"]);
  return {
    open: async (setting) => {
      checkPlain(setting);
      const pool = openLabPool(databaseUrl);
      await emptied(pool);
      const system: SystemUnderTest = {
        ...{ url, urls: [url], databaseUrl, servers: {}, pool, catalogue, topic: "", workers: [] },
        api: () => null,
        start: () =>
          waitUntil(`${url} accepts orders`, async () => (await fetch(`${url}/readyz`)).ok, READY_WITHIN_MS),
        startWorker: () => Promise.reject(new Error("its workers are not ours to start")),
        pids: () => new Map(),
        metricUrls: () =>
          new Map([
            ["order-api", `${url}/metrics`],
            ...workers.map(
              (each, index) => [numbered(`worker-${setting.arrangement.mode}`, index), each] as const,
            ),
          ]),
        logs: () => "",
        close: () => pool.end(),
      };
      return system;
    },
    rest: async () => undefined,
    close: async () => undefined,
  };
};

/** The file has to be what the system itself was started with. */
const catalogueOf = (
  file = "services/order-api/catalogue.json",
  probeStores: readonly string[],
): LabCatalogue => {
  const path = isAbsolute(file) ? file : join(root, file);
  const { stores, drinks } = JSON.parse(readFileSync(path, "utf8")) as { stores: string[]; drinks: string[] };
  return { file: path, stores, drinks, probeStores };
};

/** Throws for what would need the system to be set up otherwise. */
const checkPlain = ({
  arrangement,
  settings,
  servers,
  workers,
  apis = 1,
  stores,
  prepare,
}: Setting): void => {
  const isOurs =
    arrangement.name !== arrangement.mode ||
    Object.keys(settings).length + Object.keys(servers).length > 0 ||
    workers !== 1 ||
    apis > 1 ||
    stores !== undefined ||
    prepare !== undefined;
  if (isOurs)
    throw new Error(
      "this point needs programs and servers of its own, and BASE_URL names an external system",
    );
};
