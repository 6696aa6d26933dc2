/**
 * An installation lives in one schema: the first one of the session's search_path. Several installations may share a
 * database, each in a schema of its own.
 */
import pg from "pg";
import type { Client } from "./pool.ts";

/**
 * SQL of an integer key for an advisory lock of the session's own installation. Advisory locks are shared by the whole
 * database. If two names have the same hash, one waits for the other or skips its turn.
 */
export const schemaLock = (name: string): string =>
  `hashtext(concat('${name} ', (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('orders'))))`;

const SESSION = `
SELECT current_setting('search_path') AS path, current_user::text AS role,
  (SELECT nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
   WHERE c.oid = to_regclass('orders')) AS "ordersIn"`;
const SCHEMAS = `
SELECT nspname::text AS name, has_schema_privilege(oid, 'USAGE') AS "isUsable",
       has_schema_privilege(oid, 'CREATE') AS "isWritable"
FROM pg_namespace WHERE nspname = ANY($1::text[])`;

type Session = { readonly path: string; readonly role: string; readonly ordersIn: string | null };
type Schema = { readonly name: string; readonly isUsable: boolean; readonly isWritable: boolean };
type Queryable = Pick<Client, "query">;

/** In search_path it means the schema with the role's name, and is ignored where there is none. */
const USER = "$user";

/**
 * The schema that the session may create tables in. Rejects with a message that names search_path, the schema and the
 * statement to run.
 */
export const writableSchema = async (client: Queryable): Promise<string> => {
  const { given, schema, isOfUser, role, ordersIn } = await firstSchema(client);
  const quoted = pg.escapeIdentifier(schema.name);
  if (!schema.isUsable || !schema.isWritable)
    throw new Error(
      `${given}, and role ${role} may not create tables in schema ${quoted}. Run GRANT USAGE, CREATE ON SCHEMA ${quoted} TO ${role}; or name another schema first`,
    );
  // a schema with the role's name that was created later must not start a second, empty installation
  if (isOfUser && ordersIn !== null && ordersIn !== schema.name)
    throw new Error(
      `${given}: orders is found in schema "${ordersIn}", not in ${quoted}. Name the one to use: ALTER ROLE ${role} SET search_path = ${pg.escapeIdentifier(ordersIn)};`,
    );
  return schema.name;
};

/**
 * Rejects where the session would use another installation than the one of its first schema: that schema does not exist,
 * or has no tables yet while a later one has. For programs, which may start before the migrations and need no right to
 * create tables.
 */
export const verifySchema = async (client: Queryable): Promise<void> => {
  const { given, schema, isOfUser, role, ordersIn } = await firstSchema(client);
  const quoted = pg.escapeIdentifier(schema.name);
  if (!schema.isUsable)
    throw new Error(
      `${given}, and role ${role} may not use schema ${quoted}. Run GRANT USAGE ON SCHEMA ${quoted} TO ${role};`,
    );
  // a schema with the role's name that was created later must not stop an installation that runs in public
  if (!isOfUser && ordersIn !== null && ordersIn !== schema.name)
    throw new Error(
      `${given}: orders is found in schema "${ordersIn}", not in ${quoted}. Run the migrations with this search_path, or name "${ordersIn}" first`,
    );
};

/**
 * PostgreSQL itself uses the first schema that exists: with `search_path=app,public` and no schema app, that is another
 * installation in public.
 */
const firstSchema = async (client: Queryable) => {
  const session = (await client.query<Session>(SESSION)).rows[0];
  if (!session) throw new Error("PostgreSQL returned no search_path");
  const names = namesIn(session.path);
  const { rows } = await client.query<Schema>(SCHEMAS, [[session.role, ...names]]);
  const found = new Map(rows.map((schema) => [schema.name, schema]));
  const first = names.find((name) => name !== USER || found.get(session.role)?.isUsable);
  const name = first === USER ? session.role : first;
  const given = `search_path is '${session.path}'`;
  const role = pg.escapeIdentifier(session.role);
  if (name === undefined)
    throw new Error(
      `${given}, which names no schema. Run CREATE SCHEMA coffee AUTHORIZATION ${role}; ALTER ROLE ${role} SET search_path = coffee;`,
    );
  const quoted = pg.escapeIdentifier(name);
  if (name.includes('"')) throw new Error(`${given}: the name of a schema may not contain a double quote`);
  if (name.startsWith("pg_"))
    throw new Error(`${given}: ${quoted} is a system schema. Name the schema of the installation first`);
  const schema = found.get(name);
  if (schema === undefined)
    throw new Error(
      `${given}, and there is no schema ${quoted}. Run CREATE SCHEMA ${quoted} AUTHORIZATION ${role}; or name another schema first`,
    );
  return { given, schema, isOfUser: first === USER, role, ordersIn: session.ordersIn };
};

/** A list of SQL identifiers, as PostgreSQL reads it: folded to lower case unless quoted. */
const namesIn = (path: string): string[] =>
  [...path.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)]
    .map(([text, quoted]) => quoted?.replaceAll('""', '"') ?? text.toLowerCase())
    .filter((name) => name !== "");
