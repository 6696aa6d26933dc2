/** Ceilings of storing and of counting: rows sent to PostgreSQL, into the same table with the same indexes, and nothing else. */
import { randomUUIDv7 } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { randomFrom } from "#shared/domain/random.ts";
import { iso } from "#shared/domain/time.ts";
import type { Pool } from "#shared/store/pool.ts";
import { numberOf } from "../../../dev/system/database.ts";
import type { LabCatalogue } from "../generators/catalogue.ts";
import type { Window } from "../judge/usage.ts";
import type { Lab, Order } from "../run/run.ts";
import { openLabPool } from "../run/servers.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { type Rated, sampled } from "./rate-run.ts";

/** As many statements at a time as v1 writes by default. */
const AT_ONCE = 2;
const FINGERPRINT = `\\x${"0".repeat(32)}`;
const COLUMNS = "order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint";

/** One array a column: of the ways to send many rows in one statement the fastest from Node. */
const INSERT = `
INSERT INTO orders (${COLUMNS})
SELECT id, 'bare', store, drink, price_cents, event_time, accepted_at, fingerprint
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::bytea[])
  AS row (id, store, drink, price_cents, event_time, accepted_at, fingerprint)`;

const insertRows = async (pool: Pool, rows: number): Promise<void> => {
  const now = iso(Date.now());
  const column = (value: unknown): unknown[] => Array(rows).fill(value);
  const ids = Array.from({ length: rows }, () => randomUUIDv7());
  const values = [ids, ...["uptown", "latte", 450, now, now, FINGERPRINT].map(column)];
  await pool.query({ name: "bare-insert", text: INSERT, values });
};

type TimedRows = { readonly rows: number; readonly window: Window };

const timedRows = async (send: () => Promise<number>): Promise<TimedRows> => {
  const startMs = Date.now();
  const rows = await send();
  return { rows, window: { startMs, endMs: Date.now() } };
};

const ceiling = (
  profile: string,
  { result, samples }: { readonly result: TimedRows; readonly samples: Rated["samples"] },
): Rated => {
  const { rows, window } = result;
  const rate = (rows / (window.endMs - window.startMs)) * 1_000;
  const durability = "committed in PostgreSQL";
  return { profile, purpose: profile, isSentByLab: true, durability, rate, window, samples };
};

const storedProblems = async (pool: Pool, expected: number): Promise<string[]> => {
  const stored = await numberOf(pool, "SELECT count(*) FROM orders");
  return stored === expected ? [] : [`${stored} rows are stored, expected ${expected}`];
};

/** Rows of multi-row INSERTs with as many rows as a request has orders, each in a transaction of its own. */
export const bareInsert = async (lab: Lab, { load }: Order, system: SystemUnderTest): Promise<Rated> => {
  const size = load.ordersPerRequest;
  const pool = openLabPool(system.databaseUrl, AT_ONCE);
  const insertFor = async (seconds: number): Promise<number> => {
    let rows = 0;
    const deadline = performance.now() + seconds * 1_000;
    const insert = async (): Promise<void> => {
      for (; performance.now() < deadline; rows += size) await insertRows(pool, size);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, insert));
    return rows;
  };
  try {
    const warmUp = await insertFor(load.warmUpSeconds);
    const timed = await sampled(lab, system, () => timedRows(() => insertFor(load.seconds)));
    const problems = await storedProblems(pool, warmUp + timed.result.rows);
    return { ...ceiling("multi-row INSERT", timed), problems };
  } finally {
    await pool.end();
  }
};

const COPY = `COPY orders (${COLUMNS}) FROM STDIN`;
/** About what a worker drains in a run of drain.ts. */
const COPY_ROWS = 200_000;
const WARM_UP_ROWS = 20_000;
const PIECE_ROWS = 5_000;

/** COPY's text format, in which a backslash stands for itself only when doubled. */
const copyTexts = (rows: number, { stores, drinks }: LabCatalogue, seed: number): Buffer[] => {
  const random = randomFrom(seed);
  const now = iso(Date.now());
  const row = (): string =>
    `${[randomUUIDv7(), "copy", random.pick(stores), random.pick(drinks), 200 + random.below(500), now, now, `\\${FINGERPRINT}`].join("\t")}\n`;
  return Array.from({ length: rows / PIECE_ROWS }, () =>
    Buffer.from(Array.from({ length: PIECE_ROWS }, row).join("")),
  );
};

const copyRows = async (pool: Pool, texts: readonly Buffer[]): Promise<number> => {
  const client = await pool.connect();
  try {
    const copy = client.query(copyFrom(COPY));
    await pipeline(Readable.from(texts), copy);
    return copy.rowCount;
  } finally {
    // after an error the connection may still be within the COPY
    client.release(true);
  }
};

/** Rows of one COPY, until they are committed. */
export const bareCopy = async (lab: Lab, { load }: Order, system: SystemUnderTest): Promise<Rated> => {
  const { pool, catalogue } = system;
  await copyRows(pool, copyTexts(WARM_UP_ROWS, catalogue, load.seed));
  const texts = copyTexts(COPY_ROWS, catalogue, load.seed + 1);
  await pool.query("CHECKPOINT");
  const timed = await sampled(lab, system, () => timedRows(() => copyRows(pool, texts)));
  const problems = await storedProblems(pool, timed.result.rows + WARM_UP_ROWS);
  return { ...ceiling("COPY", timed), problems };
};
