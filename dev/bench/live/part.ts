/**
 * How fresh the dashboard is, and what the programs hold, at 500 orders a second in one mode at a time. The API has all
 * modes and each mode has a worker. Freshness is a client's: from its reply to the first WebSocket frame with its order.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPool } from "#shared/store/pool.ts";
import catalogue from "../../../services/order-api/catalogue.json" with { type: "json" };
import type { HttpProgram } from "../../system/programs.ts";
import { type Figure, percentileOf } from "../figure.ts";
import { type Bench, type Ground, onGround, type Part } from "../ground.ts";
import { type Lab, runTurn, type Turn } from "./turn.ts";

const MODES = ["v1", "v2", "v3"] as const;
type Mode = (typeof MODES)[number];

const ORDERS_PER_SECOND = 500;
const SECONDS = { ready: 1, warmUp: 1, measured: 5 };
/** In a round, of turns whose load was not as planned; with more of them the round has no value of that mode. */
const MOST_REPEATS = 1;
const FRESH_WITHIN_MS = 300;
/** v1 counts this often, so an order may wait as long before anything happens to it. */
const V1_TICK_MS = 500;
const MOST_MB = 150;
const BYTES_PER_MB = 1_000_000;
/** One order under way each: enough for 50 probes a second that are seen within a second. As many stores a full board has. */
const PROBE_STORES = Array.from({ length: 50 }, (_, index) => `probe ${index + 1}`);

const measureOn = async (ground: Ground, bench: Bench): Promise<Figure[]> => {
  const lab = await openLab(ground, bench);
  const load = (mode: Mode, warmUpSeconds: number, seconds: number) => ({
    mode,
    perSecond: ORDERS_PER_SECOND,
    warmUpSeconds,
    seconds,
    probeStores: PROBE_STORES,
    seed: bench.random.below(2 ** 32),
  });
  // a consumer group takes seconds to form, and programs that just started are slow
  for (const mode of MODES) await runTurn(lab, load(mode, SECONDS.ready, 0));
  bench.tell("live: every mode's orders are stored, counted and shown");

  const turns: Record<Mode, Turn[]> = { v1: [], v2: [], v3: [] };
  const apiBytes: number[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    const ofRound: Turn[] = [];
    const repeats = { left: MOST_REPEATS };
    for (const mode of bench.random.shuffled(MODES)) {
      const name = `live, round ${round} of ${bench.rounds}, ${mode}`;
      const run = () => runTurn(lab, load(mode, SECONDS.warmUp, SECONDS.measured));
      const turn = await firstValid(name, run, repeats, bench.tell);
      if (turn === null) continue;
      ofRound.push(turn);
      turns[mode].push(turn);
    }
    if (ofRound.length > 0) apiBytes.push(Math.max(...ofRound.map((turn) => turn.apiBytes)));
  }
  return withValues(figuresFrom(turns, apiBytes), bench.tell);
};

const firstValid = async (
  name: string,
  run: () => Promise<Turn>,
  repeats: { left: number },
  tell: Bench["tell"],
): Promise<Turn | null> => {
  for (;;) {
    const turn = await run();
    tell(`${name}: ${wordsOf(turn)}`);
    if (turn.voidBecause === null) return turn;
    if (repeats.left === 0) return null;
    repeats.left--;
  }
};

const openLab = async (ground: Ground, { tell }: Bench): Promise<Lab> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-live-"));
  ground.closers.add("the catalogue", () => rmSync(folder, { recursive: true }));
  const catalogueFile = join(folder, "catalogue.json");
  writeFileSync(
    catalogueFile,
    JSON.stringify({ ...catalogue, stores: [...catalogue.stores, ...PROBE_STORES] }),
  );
  const settings = { V1_TICK_MS: String(V1_TICK_MS) };
  const enabled = Object.fromEntries(MODES.map((mode) => [`${mode.toUpperCase()}_ENABLED`, "true"]));
  const api = await ground.startApi({ ...settings, ...enabled, CATALOGUE_FILE: catalogueFile });
  const workers: Record<string, HttpProgram> = {};
  for (const mode of MODES)
    workers[mode] = await ground.startWorker(mode, { ...settings, PINNED_STORES: PROBE_STORES.join(",") });
  const pool = openPool(
    {
      databaseUrl: ground.servers.postgres?.url ?? "",
      program: "coffee-bench",
      maxConnections: 1,
      statementTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
    },
    () => undefined,
  );
  ground.closers.add("the audit's connection", () => pool.end());
  const clients = fork(join(import.meta.dirname, "clients.ts"));
  ground.closers.add("clients", () => void clients.kill());
  return { api, workers, clients, pool, tell };
};

const megabytes = (bytes: number): number => bytes / BYTES_PER_MB;
const p99 = (values: readonly number[]): number => percentileOf(values, 0.99);

const wordsOf = ({ heard, apiBytes, workerBytes, voidBecause }: Turn): string => {
  const { accepted, freshnessMs, sinceDueMs, withoutStore, lateP99Ms } = heard;
  const ms = (value: number): string => `${Math.round(value)} ms`;
  return [
    ...(voidBecause === null ? [] : [`VOID, ${voidBecause}`]),
    `freshness p50 ${ms(percentileOf(freshnessMs, 0.5))}, p99 ${ms(p99(freshnessMs))} of ${freshnessMs.length} probes`,
    `p99 since due ${ms(p99(sinceDueMs))}`,
    `sent late p99 ${lateP99Ms.toFixed(1)} ms`,
    ...(withoutStore === 0 ? [] : [`${withoutStore} probes found no free store`]),
    `API ${megabytes(apiBytes).toFixed()} MB, worker ${megabytes(workerBytes).toFixed()} MB`,
    `audit: ${accepted} accepted, stored, counted once and shown`,
  ].join("; ");
};

const figuresFrom = (turns: Record<Mode, Turn[]>, apiBytes: readonly number[]): Figure[] => {
  const memory = (program: string, bytes: readonly number[]): Figure => ({
    name: `${program}, resident memory at ${ORDERS_PER_SECOND} orders/s`,
    values: bytes.map(megabytes),
    target: { atMost: MOST_MB },
    unit: "MB",
  });
  return [
    ...MODES.map((mode) => ({
      name: `${mode}, freshness p99 at ${ORDERS_PER_SECOND} orders/s`,
      values: turns[mode].map(({ heard }) => p99(heard.freshnessMs)),
      target: { atMost: FRESH_WITHIN_MS + (mode === "v1" ? V1_TICK_MS : 0) },
      unit: "ms",
    })),
    memory("API", apiBytes),
    ...MODES.map((mode) =>
      memory(
        `${mode} worker`,
        turns[mode].map(({ workerBytes }) => workerBytes),
      ),
    ),
  ];
};

/** A figure whose every turn was void is left out, aloud; throws when that is true of all. */
const withValues = (figures: readonly Figure[], tell: Bench["tell"]): Figure[] => {
  for (const { name, values } of figures)
    if (values.length === 0) tell(`NO FIGURE: "${name}": every turn was void`);
  const measured = figures.filter(({ values }) => values.length > 0);
  if (measured.length === 0)
    throw new Error("live: every turn was void; the machine has no time for the load");
  return measured;
};

export const live: Part = {
  name: "live",
  measure: (bench) =>
    onGround({ postgres: {}, board: {}, stream: {}, kafka: { log: bench.tell } }, bench, (ground) =>
      measureOn(ground, bench),
    ),
};
