/** Names that the operator has added to the catalogue of the order APIs' file: one row, replaced as a whole. */
import type { Names } from "../domain/catalogue.ts";
import type { Pool } from "./pool.ts";

export type Additions = Names & {
  /** Two readings with the same stamp have the same names, also after a restore. */
  readonly stamp: string;
};

const READ = "SELECT stamp, stores, drinks FROM catalogue_additions WHERE stamp IS DISTINCT FROM $1";

/** The names, unless they are those of `stamp`; then null. */
export const readAdditions = async (pool: Pool, stamp: string | null): Promise<Additions | null> => {
  const query = { name: "catalogue-additions", text: READ, values: [stamp] };
  return (await pool.query<Additions>(query)).rows[0] ?? null;
};

const union = (column: string, added: string): string =>
  `ARRAY(SELECT DISTINCT name FROM unnest(${column} || ${added}::text[]) AS name ORDER BY name)`;
const fits = (column: string, added: string, most: string): string =>
  `(cardinality(${added}::text[]) = 0 OR cardinality(${union(column, added)}) <= ${most})`;

/** The row is locked, so concurrent additions are counted one after the other. */
const ADD = `
UPDATE catalogue_additions
SET stamp = gen_random_uuid(), stores = ${union("stores", "$1")}, drinks = ${union("drinks", "$2")}
WHERE ${fits("stores", "$1", "$3")} AND ${fits("drinks", "$2", "$4")}
RETURNING stamp, stores, drinks`;

/** All names with these added; null, and nothing changes, when there would be more of a kind than `most`. */
export const addNames = async (
  pool: Pool,
  { stores, drinks }: Names,
  most: Readonly<Record<keyof Names, number>>,
): Promise<Additions | null> =>
  (await pool.query<Additions>(ADD, [stores, drinks, most.stores, most.drinks])).rows[0] ?? null;
