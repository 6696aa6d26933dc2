/** One mode under its load for some seconds: how fresh its dashboard is, what the programs hold, and an audit. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { HOUR_MS } from "#shared/domain/time.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { HttpProgram } from "../../system/programs.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Heard, Told } from "./clients.ts";

/** What the turns run on. */
export type Lab = {
  readonly api: HttpProgram;
  readonly workers: Readonly<Record<string, HttpProgram>>;
  /** live-clients.ts */
  readonly clients: ChildProcess;
  readonly pool: Pool;
  readonly tell: (line: string) => void;
};

export type Turn = {
  readonly heard: Heard;
  /** The most that was held during the turn. */
  readonly apiBytes: number;
  readonly workerBytes: number;
  /** Why the turn says nothing; null when it was as planned. */
  readonly voidBecause: string | null;
};

/**
 * The lab has 10 ms for what is measured from the planned time. Freshness is from the reply, so lateness only bunches
 * orders, and by this much it is half of the step in which boards are published.
 */
const MOST_LATE_MS = 50;
/** A moment in which everything stood still may cost so many; with more it was a smaller load. */
const MOST_REFUSED_SHARE = 0.01;
const SAMPLE_EVERY_MS = 100;
/** Beyond the load itself: connecting, the last replies and the last frames have limits of their own, 25 s in all. */
const CLIENTS_WITHIN_MS = 40_000;
const COUNTED_WITHIN_MS = 30_000;
/** For orders without a reply, which may be stored or not: a v2 or v3 worker has them by then. */
const STRAGGLERS_MS = 2_000;
/** Before the hour's end for the last frames of a turn, and after it for the first board of the next. */
const HOUR_EDGE_MS = 3_000;

export const runTurn = async (lab: Lab, load: Omit<Told, "url">): Promise<Turn> => {
  const { api, workers, clients, pool } = lab;
  const worker = workers[load.mode];
  if (worker === undefined) throw new Error(`${load.mode} has no worker`);
  const loadMs = (load.warmUpSeconds + load.seconds) * 1_000;
  await awayFromHourEdge(loadMs, lab.tell);
  const before = await countsOf(pool, load.mode);
  const over = new AbortController();
  clients.send({ ...load, url: api.url } satisfies Told);
  const [heard, [apiBytes = 0, workerBytes = 0]] = await Promise.all([
    answerOf(clients, loadMs + CLIENTS_WITHIN_MS).finally(() => over.abort()),
    peaksOf([api, worker], over.signal),
  ]);
  await audited(lab, load.mode, before.stored, heard);
  return { heard, apiBytes, workerBytes, voidBecause: voidReason(heard) };
};

const voidReason = ({ accepted, refused, unseen, lateP99Ms }: Heard): string | null => {
  const answers = Object.entries(refused).map(([answer, count]) => `${count} with ${answer}`);
  const count = refusedIn(refused);
  if (count > MOST_REFUSED_SHARE * (accepted + count))
    return `${count} orders of ${accepted + count} were not accepted: ${answers.join(", ")}`;
  if (unseen > 0) return `${unseen} probe orders were on no frame in time`;
  if (lateP99Ms > MOST_LATE_MS) return "orders were sent late: the machine had no time for the load";
  return null;
};

const refusedIn = (refused: Heard["refused"]): number =>
  Object.values(refused).reduce((sum, count) => sum + count, 0);

/** Counts of the hour begin anew with it. */
const awayFromHourEdge = async (loadMs: number, tell: Lab["tell"]): Promise<void> => {
  const leftMs = HOUR_MS - (Date.now() % HOUR_MS);
  if (leftMs > loadMs + HOUR_EDGE_MS) return;
  tell(`waiting ${Math.round(leftMs / 1_000)} s for the next hour, with which counts begin anew`);
  await sleep(leftMs + HOUR_EDGE_MS);
};

/** Throws when the clients end or stay silent. */
const answerOf = async (clients: ChildProcess, withinMs: number): Promise<Heard> => {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(withinMs)]);
  const ended = once(clients, "exit", { signal }).then(() => {
    throw new Error("the clients ended before they had told anything");
  });
  try {
    const [heard] = await Promise.race([once(clients, "message", { signal }), ended]);
    return heard as Heard;
  } finally {
    over.abort();
  }
};

/** In bytes, of each program; throws when one is down. */
const peaksOf = async (
  programs: readonly Pick<HttpProgram, "residentBytes">[],
  signal: AbortSignal,
): Promise<readonly number[]> => {
  let peaks = programs.map(() => 0);
  for (; !signal.aborted; await sleep(SAMPLE_EVERY_MS))
    peaks = programs.map((program, index) => Math.max(peaks[index] ?? 0, program.residentBytes()));
  return peaks;
};

/** Throws unless everything accepted is stored, counted once, and shown; of what had no reply, whatever was stored. */
const audited = async (
  { api, pool }: Lab,
  mode: string,
  storedBefore: number,
  { accepted, refused }: Heard,
): Promise<void> => {
  const failed = refusedIn(refused);
  if (failed > 0) await sleep(STRAGGLERS_MS);
  const least = storedBefore + accepted;
  const isRight = async (): Promise<boolean> => {
    const { stored, counted } = await countsOf(pool, mode);
    const isWhole = failed > 0 ? stored >= least && stored <= least + failed : stored === least;
    return isWhole && counted === stored && (await shownOf(api.url, mode)) === stored;
  };
  await waitUntil(
    `${least} orders of ${mode} stored, each counted once, and shown`,
    isRight,
    COUNTED_WITHIN_MS,
  );
};

const COUNTS = `
SELECT (SELECT count(*) FROM orders WHERE mode = $1)::float8 AS stored,
       (SELECT coalesce(sum(orders), 0) FROM rollup_hour WHERE mode = $1)::float8 AS counted`;

type Counts = { readonly stored: number; readonly counted: number };

const countsOf = async (pool: Pool, mode: string): Promise<Counts> =>
  (await pool.query<Counts>(COUNTS, [mode])).rows[0] ?? { stored: 0, counted: 0 };

const shownOf = async (url: string, mode: string): Promise<number> => {
  const { modes } = (await (await fetch(`${url}/api/dashboard`)).json()) as Dashboard;
  return modes[mode]?.orders ?? 0;
};
