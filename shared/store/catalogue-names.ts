/** Names that were added to the catalogue of the order APIs' file while they run. */
import type { Names } from "../domain/catalogue.ts";
import type { Pool } from "./pool.ts";
import { schemaLock } from "./schema.ts";

/** A read is bounded; more follow until one is not full. */
const PAGE_NAMES = 10_000;

const READ = `SELECT id, kind, name FROM catalogue_names WHERE id > $1 ORDER BY id LIMIT ${PAGE_NAMES}`;

export type AddedNames = Names & {
  /** To read on from. */
  readonly lastId: string;
};

/** The names that were added after the id of an earlier reading; "0" reads all. */
export const readAddedNames = async (pool: Pool, afterId: string): Promise<AddedNames> => {
  const names = { stores: [] as string[], drinks: [] as string[] };
  let lastId = afterId;
  for (;;) {
    const query = { name: "catalogue-names", text: READ, values: [lastId] };
    const { rows } = await pool.query<{ id: string; kind: keyof Names; name: string }>(query);
    for (const { kind, name } of rows) names[kind].push(name);
    lastId = rows.at(-1)?.id ?? lastId;
    if (rows.length < PAGE_NAMES) return { ...names, lastId };
  }
};

/** The identity column draws its number after the lock, so a lower id never commits after a higher one. */
const ADD = `
WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock(${schemaLock("catalogue_names")}))
INSERT INTO catalogue_names (kind, name)
SELECT kind, name FROM lock, unnest($1::text[], $2::text[]) AS added (kind, name)
ON CONFLICT DO NOTHING`;

/** Adds what is not there yet. Resolves when every API that reads from now on knows the names. */
export const addNames = async (pool: Pool, { stores, drinks }: Names): Promise<void> => {
  const kinds = [...stores.map(() => "stores"), ...drinks.map(() => "drinks")];
  await pool.query(ADD, [kinds, [...stores, ...drinks]]);
};
