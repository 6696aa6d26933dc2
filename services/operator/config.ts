import { type Static, Type } from "typebox";

export const operatorKnobs = Type.Object({
  databaseUrl: Type.String({
    pattern: "^postgres(ql)?://",
    description: "PostgreSQL, as postgres://user@host:port/name",
  }),
  logLevel: Type.Union(
    [Type.Literal("debug"), Type.Literal("info"), Type.Literal("warn"), Type.Literal("error")],
    { default: "warn" },
  ),
});

export type OperatorSettings = Static<typeof operatorKnobs>;
