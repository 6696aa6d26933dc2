import { beforeEach, describe, expect, test } from "vitest";
import { migrate } from "../../db/migrate.ts";
import { freshDatabase, freshName, poolOn } from "../../test/fresh.ts";
import type { Pool } from "./pool.ts";
import { verifySchema } from "./schema.ts";

let databaseUrl: string;
let admin: Pool;
beforeEach(async () => {
  databaseUrl = await freshDatabase(undefined, "template0");
  const opened = poolOn(databaseUrl, 1);
  admin = opened;
  return () => opened.end();
});

const withPath = (searchPath: string, role?: string): string => {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", `-c search_path=${searchPath}`);
  if (role !== undefined) url.username = role;
  return url.href;
};
const verify = async (searchPath: string, role?: string): Promise<void> => {
  const pool = poolOn(withPath(searchPath, role), 1);
  const client = await pool.connect();
  try {
    await verifySchema(client);
  } finally {
    client.release();
    await pool.end();
  }
};

describe("verifySchema", () => {
  test("accepts a schema before its migrations", async () => {
    await admin.query("CREATE SCHEMA app");
    await verify("app");
    await verify("public");
  });

  test("accepts an installation that the role does not own", async () => {
    const role = freshName("reader");
    await admin.query(`CREATE SCHEMA app; CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA app TO ${role}`);
    await migrate(withPath("app"), () => undefined);
    await verify("app", role);
    await verify("app,public");
  });

  test.each([
    ["app,public", `search_path is 'app,public', and there is no schema "app"`],
    ["empty,public", `orders is found in schema "public", not in "empty". Run the migrations`],
    ["pg_catalog,public", `"pg_catalog" is a system schema`],
  ])(
    "rejects another installation than that of the first schema, where search_path is %s",
    async (path, sentence) => {
      await admin.query("CREATE SCHEMA empty");
      await migrate(withPath("public"), () => undefined);
      await expect(verify(path)).rejects.toThrow(sentence);
    },
  );

  test("names the missing right", async () => {
    const role = freshName("guest");
    await admin.query(`CREATE SCHEMA app; CREATE ROLE ${role} LOGIN`);
    await expect(verify("app", role)).rejects.toThrow(
      `role "${role}" may not use schema "app". Run GRANT USAGE ON SCHEMA "app" TO "${role}";`,
    );
  });
});
