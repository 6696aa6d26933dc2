/** What a run is verified by when its fault is over: the audit, the drained backlog, and what PostgreSQL and Redis report. */
import type { Pool } from "#shared/store/pool.ts";
import { countOutcomes, type Ledger } from "../system/account.ts";
import { audit, countsIn } from "../system/audit.ts";
import { readDashboard } from "../system/dashboards.ts";
import { deadlocksIn, withDatabase, withRedis } from "../system/database.ts";
import { waitUntil } from "../system/wait.ts";
import type { DashboardClients } from "./dashboard-clients.ts";

export type Checked = {
  readonly acknowledged: number;
  readonly lost: number;
  readonly countedTwice: number;
  /** One sentence for each deviation; empty when there is none. */
  readonly problems: readonly string[];
};

export type Subject = {
  readonly mode: string;
  readonly url: string;
  readonly databaseUrl: string;
  /** Of the mode with a stream; "" in the others. */
  readonly streamUrl: string;
  /** Undecodable orders that the fault put in. */
  readonly deadLetters: number;
  /** Pairs of an order and another body under its id that the fault sent. */
  readonly conflicts: number;
  readonly drainWithinMs: number;
  /** For everything else, each. */
  readonly agreeWithinMs: number;
};

export const check = async (
  subject: Subject,
  ledger: Ledger,
  clients: Pick<DashboardClients, "problems" | "shown" | "plain">,
): Promise<Checked> => {
  const { mode, url, deadLetters, conflicts, agreeWithinMs } = subject;
  const problems: string[] = [...clients.problems];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push((error as Error).message);
    }
  };
  const dashboards = [
    { name: "GET /api/dashboard", read: () => readDashboard(url, mode) },
    { name: "a client of coffee-rt.v1", read: clients.shown },
    { name: "a plain WebSocket", read: clients.plain },
  ];
  return withDatabase(subject.databaseUrl, async (pool) => {
    await attempt(() => untilDrained(subject, pool, ledger));
    const found = await audit(pool, ledger, { mode, dashboards, deadLetters, conflicts, agreeWithinMs });
    problems.push(...found.problems);
    await attempt(() => untilNothingPending(subject));
    const deadlocks = await deadlocksIn(pool);
    if (deadlocks > 0) problems.push(`${deadlocks} deadlocks: rows are not written in one common order`);
    const { acknowledged, lost, countedTwice } = found;
    return { acknowledged, lost, countedTwice, problems };
  });
};

/** Until everything acknowledged is counted and the API sees no lag. */
const untilDrained = async (
  { url, mode, drainWithinMs }: Subject,
  pool: Pool,
  ledger: Ledger,
): Promise<void> => {
  const expected = countOutcomes(ledger).acknowledged;
  const isDrained = async (): Promise<boolean> =>
    (await countsIn(pool)).counted >= expected && (await readDashboard(url, mode)).modes[mode]?.lag === 0;
  const what = `${expected} orders are counted and there is no lag`;
  await waitUntil(what, isDrained, drainWithinMs);
};

/** No group of the stream has an entry that is delivered and not acknowledged. */
const untilNothingPending = async ({ streamUrl, agreeWithinMs }: Subject): Promise<void> => {
  if (streamUrl === "") return;
  await withRedis(streamUrl, (stream) => {
    const isSettled = async (): Promise<boolean> => {
      const groups = (await stream.call("XINFO", "GROUPS", "coffee:orders")) as unknown[][];
      return groups.every((group) => group[group.indexOf("pending") + 1] === 0);
    };
    return waitUntil("no entry of the stream is pending", isSettled, agreeWithinMs);
  });
};
