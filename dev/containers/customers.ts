/** Customers of an installation in all of its modes, and the audit of what they were told. */
import { randomFrom } from "#shared/domain/random.ts";
import { startClients } from "../faults/clients.ts";
import { openLedger } from "../system/account.ts";
import { audit, untilCounted } from "../system/audit.ts";
import { readDashboard, readSnapshot } from "../system/dashboards.ts";
import { withDatabase } from "../system/database.ts";
import type { Installation } from "./installation.ts";

export type Customers = {
  /** Sends no new order; resolves when all are acknowledged. Rejects when some are not in time. */
  stop(): Promise<void>;
  /** How many orders were acknowledged, and a sentence for each deviation from what they were told. */
  audit(): Promise<{ readonly acknowledged: number; readonly problems: readonly string[] }>;
};

/** In each mode: the restarts are the load. */
const REQUESTS_PER_SECOND = 4;
/** An image of Kafka that starts on a busy machine takes a minute. */
const ACKNOWLEDGED_WITHIN_MS = 180_000;
const COUNTED_WITHIN_MS = 180_000;

/** Half of the requests go through the page's container. Orders are sent again until they are acknowledged. */
export const startCustomers = (
  { apiUrl, pageUrl, databaseUrl }: Installation,
  modes: readonly string[],
): Customers => {
  const shops = modes.map((mode) => {
    const ledger = openLedger();
    const options = { urls: [apiUrl, pageUrl], mode, random: randomFrom(1) };
    return {
      mode,
      ledger,
      clients: startClients(ledger, { ...options, requestsPerSecond: REQUESTS_PER_SECOND }),
    };
  });
  const auditOf = ({ mode, ledger }: (typeof shops)[number]) =>
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
      return { ...found, problems: found.problems.map((problem) => `${mode}: ${problem}`) };
    });
  return {
    stop: async () => {
      const left = await Promise.all(shops.map(({ clients }) => clients.stop(ACKNOWLEDGED_WITHIN_MS)));
      for (const [index, orders] of left.entries())
        if (orders > 0)
          throw new Error(
            `${shops[index]?.mode}: ${orders} orders were not acknowledged within ${ACKNOWLEDGED_WITHIN_MS / 1_000} s`,
          );
    },
    audit: async () => {
      const audits = await Promise.all(shops.map(auditOf));
      return {
        acknowledged: audits.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
        problems: audits.flatMap(({ problems }) => problems),
      };
    },
  };
};
