import { type Static, Type } from "typebox";

export const migrationKnobs = Type.Object({
  databaseUrl: Type.String({
    pattern: "^postgres(ql)?://",
    description: "PostgreSQL, as postgres://user@host:port/name",
  }),
  waitForDatabaseMs: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 3_600_000,
    description: "how long a database that is not there yet is waited for",
  }),
  logLevel: Type.Union(
    [Type.Literal("debug"), Type.Literal("info"), Type.Literal("warn"), Type.Literal("error")],
    {
      default: "info",
    },
  ),
});

export type MigrationSettings = Static<typeof migrationKnobs>;
