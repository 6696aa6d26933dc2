/** Orders for an installation in all of its modes, and the audit of what their clients were answered. */
import { randomFrom } from "#shared/domain/random.ts";
import { startClients } from "../faults/clients.ts";
import { openLedger } from "../system/account.ts";
import { audit, untilCounted } from "../system/audit.ts";
import { readDashboard, readSnapshot } from "../system/dashboards.ts";
import { withDatabase } from "../system/database.ts";
import type { Installation } from "./installation.ts";

export type Load = {
  /** Sends no new order; resolves when all are acknowledged. Rejects when some are not in time. */
  stop(): Promise<void>;
  /** How many orders were acknowledged, and a sentence for each one lost, counted twice or shown wrongly. */
  audit(): Promise<{ readonly acknowledged: number; readonly problems: readonly string[] }>;
};

/** In each mode to the API, and as many through the page's container: the restarts are the load. */
const REQUESTS_PER_SECOND = 2;
/** An image of Kafka that starts on a busy machine takes a minute. */
const ACKNOWLEDGED_WITHIN_MS = 180_000;
const COUNTED_WITHIN_MS = 180_000;

/** Each order is sent again, to the same address, until it is acknowledged. */
export const startLoad = ({ apiUrl, pageUrl, databaseUrl }: Installation, modes: readonly string[]): Load => {
  const accounts = modes.map((mode) => ({ mode, ledger: openLedger() }));
  const senders = accounts.flatMap(({ mode, ledger }) =>
    [apiUrl, pageUrl].map((url, seed) => {
      const options = { urls: [url], mode, random: randomFrom(seed) };
      return {
        ...{ mode, url },
        clients: startClients(ledger, { ...options, requestsPerSecond: REQUESTS_PER_SECOND }),
      };
    }),
  );
  const auditOf = ({ mode, ledger }: (typeof accounts)[number]) =>
    withDatabase(databaseUrl, async (pool) => {
      const want = ledger.entries().filter(({ outcome }) => outcome === "acknowledged").length;
      await untilCounted(pool, mode, want, COUNTED_WITHIN_MS);
      const dashboards = [
        { name: "GET /api/dashboard", read: () => readDashboard(apiUrl, mode) },
        { name: "the page's WebSocket", read: () => readSnapshot(pageUrl, mode) },
      ];
      const found = await audit(pool, ledger, {
        mode,
        otherModes: modes.filter((each) => each !== mode),
        dashboards,
        agreeWithinMs: COUNTED_WITHIN_MS,
      });
      const problems = found.acknowledged === 0 ? ["no order was acknowledged"] : found.problems;
      return { ...found, problems: problems.map((problem) => `${mode}: ${problem}`) };
    });
  return {
    stop: async () => {
      const left = await Promise.all(senders.map(({ clients }) => clients.stop(ACKNOWLEDGED_WITHIN_MS)));
      const late = senders.flatMap(({ mode, url }, index) =>
        left[index] === 0 ? [] : [`${left[index]} orders of ${mode} by ${url}`],
      );
      if (late.length > 0)
        throw new Error(`not acknowledged within ${ACKNOWLEDGED_WITHIN_MS / 1_000} s: ${late.join(", ")}`);
    },
    audit: async () => {
      const audits = await Promise.all(accounts.map(auditOf));
      return {
        acknowledged: audits.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
        problems: audits.flatMap(({ problems }) => problems),
      };
    },
  };
};
