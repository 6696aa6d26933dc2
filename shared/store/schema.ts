/**
 * An installation lives in one schema: the first one of the session's search_path. Several installations may share a
 * database, each in a schema of its own.
 */
import pg from "pg";
import type { Client } from "./pool.ts";

/**
 * SQL of an integer key for an advisory lock of the session's own schema. Advisory locks are shared by the whole database.
 * Where two names hash alike, one waits for the other, and nothing worse.
 */
export const schemaLock = (name: string): string =>
  `hashtext(concat('${name} ', (SELECT oid FROM pg_namespace WHERE nspname = current_schema())))`;

const SESSION = "SELECT current_setting('search_path') AS path, current_user::text AS role";
const SCHEMAS = `
SELECT nspname::text AS name, has_schema_privilege(oid, 'USAGE') AS "isUsable",
       has_schema_privilege(oid, 'CREATE') AS "isWritable"
FROM pg_namespace WHERE nspname = ANY($1::text[])`;

type Schema = { readonly name: string; readonly isUsable: boolean; readonly isWritable: boolean };

/** In search_path it stands for the schema of the role's name, and for nothing where there is none. */
const USER = "$user";

/**
 * The schema that the session creates tables in, when it may. PostgreSQL itself takes the first schema that exists: with
 * `search_path=app,public` and no schema app, that is another installation in public. So this rejects with a sentence
 * that names search_path, the schema and the statement to run.
 */
export const writableSchema = async (client: Pick<Client, "query">): Promise<string> => {
  const { path = "", role = "" } =
    (await client.query<{ path: string; role: string }>(SESSION)).rows[0] ?? {};
  const names = namesIn(path);
  const { rows } = await client.query<Schema>(SCHEMAS, [[role, ...names]]);
  const found = new Map(rows.map((schema) => [schema.name, schema]));
  const first = names.find((name) => name !== USER || found.get(role)?.isUsable);
  const [name, owner] = [first === USER ? role : first, pg.escapeIdentifier(role)];
  const given = `search_path is '${path}'`;
  if (name === undefined)
    throw new Error(
      `${given}, which names no schema. Run CREATE SCHEMA coffee AUTHORIZATION ${owner}; ALTER ROLE ${owner} SET search_path = coffee;`,
    );
  const quoted = pg.escapeIdentifier(name);
  if (name.startsWith("pg_"))
    throw new Error(`${given}: ${quoted} is a system schema. Name the schema of the installation first`);
  const schema = found.get(name);
  if (schema === undefined)
    throw new Error(
      `${given}, and there is no schema ${quoted}. Run CREATE SCHEMA ${quoted} AUTHORIZATION ${owner}; or name another schema first`,
    );
  if (!schema.isUsable || !schema.isWritable)
    throw new Error(
      `${given}, and role ${owner} may not create tables in schema ${quoted}. Run GRANT USAGE, CREATE ON SCHEMA ${quoted} TO ${owner}; or name another schema first`,
    );
  return name;
};

/** A list of SQL identifiers, as PostgreSQL reads it: folded to lower case unless quoted. */
const namesIn = (path: string): string[] =>
  [...path.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)]
    .map(([text, quoted]) => quoted?.replaceAll('""', '"') ?? text.toLowerCase())
    .filter((name) => name !== "");
