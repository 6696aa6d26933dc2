/** Servers that answer reads and refuse writes: a read-only PostgreSQL, a stream's Redis that is a replica. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { withDatabase, withRedis } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import { modesOn } from "../system.ts";

export const REFUSED_WITHIN_MS = 20_000;
/** A refusal is decided within 2 s; a busy machine needs more time for the reply. */
const DECIDED_WITHIN_MS = 2_500;
/** Longer than /readyz may take to follow the orders. */
const REFUSING_MS = 6_000;
/** An order that is due this long before the end of a period has its reply by then. */
const REPLY_MS = 500;
const LEAST_SHARE = 0.9;
const HOST = "127.0.0.1";

/** Waits for a refusal. Throws when an order is answered with anything but 2xx or 503, or not in time. */
export const untilRefused = async ({ clients }: Scene, during: string): Promise<void> => {
  let answer = "";
  const isRefused = async (): Promise<boolean> => {
    const order = clients.order();
    const { received } = await clients.attempt([order]);
    // the ledger has to know this order: it is sent until it is acknowledged
    void clients.send([order]);
    const isLate = received.status === 0 || received.endMs - received.sentMs > DECIDED_WITHIN_MS;
    answer = isLate ? "no reply in time" : String(received.status);
    return isLate || received.status >= 400;
  };
  await waitUntil(`orders are refused while ${during}`, isRefused, REFUSED_WITHIN_MS);
  if (answer !== "503") throw new Error(`an order is answered with ${answer} while ${during}`);
};

/** Throws when fewer than nine of ten orders that were due during `work` were acknowledged; a few are invalid. */
const acceptingDuring = async (
  { ledger }: Scene,
  during: string,
  work: () => Promise<void>,
): Promise<void> => {
  const fromMs = performance.now();
  await work();
  const untilMs = performance.now() - REPLY_MS;
  const due = ledger.entries().filter(({ dueMs }) => dueMs >= fromMs && dueMs <= untilMs);
  const acknowledged = due.filter(({ acknowledgedMs }) => acknowledgedMs !== null).length;
  if (acknowledged < due.length * LEAST_SHARE)
    throw new Error(`only ${acknowledged} of ${due.length} orders were acknowledged while ${during}`);
};

type ReadOnly = { readonly begin: readonly string[]; readonly end: readonly string[] };

/** As a managed PostgreSQL does when its storage is nearly full: new and existing sessions, both ways. */
const BY_SERVER: ReadOnly = {
  begin: ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"],
  end: ["ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"],
};
/** As an operator does for one user: a session that was opened meanwhile stays read-only until it ends. */
const BY_ROLE: ReadOnly = {
  begin: ["ALTER ROLE CURRENT_USER SET default_transaction_read_only = on"],
  end: ["ALTER ROLE CURRENT_USER RESET default_transaction_read_only"],
};
const END_SESSIONS = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;

const makeReadOnly = async (scene: Scene, { begin, end }: ReadOnly): Promise<void> => {
  const { addresses, backend } = scene.system;
  const during = "PostgreSQL is read-only";
  await withDatabase(addresses.postgres, async (pool) => {
    // one session, opened before: a new one would be read-only itself
    const session = await pool.connect();
    const run = async (statements: readonly string[]): Promise<void> => {
      for (const statement of statements) await session.query(statement);
    };
    try {
      await run(["SET default_transaction_read_only = off", ...begin, END_SESSIONS]);
      if (backend === "postgres") {
        await untilRefused(scene, during);
        await sleep(REFUSING_MS);
      } else await acceptingDuring(scene, during, () => sleep(REFUSING_MS));
    } finally {
      await run(end);
      session.release();
    }
  });
};

/** A port that is taken and resets every connection: no Redis can ever listen there. */
const openDeadPort = async () => {
  const server = createServer((socket) => socket.resetAndDestroy());
  server.listen(0, HOST);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, close };
};

/** A replica keeps its data until it has a primary to copy; this one never finds its primary. */
const makeReplica = async (scene: Scene): Promise<void> => {
  const primary = await openDeadPort();
  await withRedis(scene.system.addresses.stream, async (stream) => {
    await stream.replicaof(HOST, primary.port);
    try {
      await untilRefused(scene, "the stream's Redis is a replica");
      await sleep(REFUSING_MS);
    } finally {
      await stream.replicaof("NO", "ONE");
    }
  }).finally(primary.close);
};

export const readOnlyBackends: readonly Fault[] = [
  { name: "postgres-read-only", strike: (scene) => makeReadOnly(scene, BY_SERVER), recoverWithinSeconds: 20 },
  {
    name: "postgres-role-read-only",
    strike: (scene) => makeReadOnly(scene, BY_ROLE),
    recoverWithinSeconds: 20,
  },
  {
    name: "stream-becomes-replica",
    modes: modesOn("stream"),
    strike: makeReplica,
    recoverWithinSeconds: 20,
  },
];
