import { type Static, type TObject, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";

/** Knobs of several programs. */
export const databaseUrlKnob = Type.String({
  pattern: "^postgres(ql)?://",
  description: "PostgreSQL, as postgres://user@host:port/name",
});
export const logLevelKnob = (level: "info" | "warn") =>
  Type.Union([Type.Literal("debug"), Type.Literal("info"), Type.Literal("warn"), Type.Literal("error")], {
    default: level,
  });

/**
 * Settings come from the environment: the knob `batchWaitMs` from BATCH_WAIT_MS. A program's schema is the one place that
 * defines its knobs, each with its default, bounds and description.
 *
 * Throws an Error with one sentence per wrong variable.
 */
export const loadSettings = <T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Static<T> => {
  const given: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [knob, of] of Object.entries(schema.properties)) {
    const text = env[variableOf(knob)];
    if (text === undefined || text === "") continue;
    given[knob] = text;
    values[knob] = parsed(text, of);
  }
  const settings = Value.Default(schema, values);
  const wrong = new Set(Value.Errors(schema, settings).flatMap((error) => knobsIn(error)));
  if (wrong.size > 0) {
    const sentences = [...wrong].map((knob) =>
      sentenceFor(knob, given[knob], schema.properties[knob] as TSchema),
    );
    throw new Error(sentences.join("\n"));
  }
  return settings as Static<T>;
};

const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Not all by `Value.Convert`: it cuts 1.5 to the whole number 1 and takes `true` for 1. */
const parsed = (text: string, schema: TSchema): unknown => {
  const { type } = schema as Described;
  if (type !== "integer" && type !== "number") return Value.Convert(schema, text);
  return DECIMAL.test(text) ? Number(text) : text;
};

/** batchWaitMs -> BATCH_WAIT_MS, v1Enabled -> V1_ENABLED */
export const variableOf = (knob: string): string =>
  knob.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** The environment that makes a program load these settings: the inverse of `loadSettings`. */
export const variablesFor = (
  settings: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([knob, value]) => [variableOf(knob), String(value)]));

type ValueError = { readonly instancePath: string; readonly params: object };

const knobsIn = (error: ValueError): string[] => {
  const missing = (error.params as { requiredProperties?: string[] }).requiredProperties;
  return missing ?? [error.instancePath.split("/")[1] ?? ""];
};

const sentenceFor = (knob: string, given: string | undefined, schema: TSchema): string => {
  const what = `${variableOf(knob)} is ${given === undefined ? "not set" : `"${withoutPassword(given)}"`}`;
  const about = (schema as { description?: string }).description;
  return `${what}: expected ${expectationOf(schema)}${about ? ` (${about})` : ""}.`;
};

/** Masks the password of a rejected URL, also when its scheme is wrong. */
const withoutPassword = (text: string): string => text.replace(/^((?:[^:/@]*:\/\/)?[^:@/]*):.*@/, "$1:***@");

type Described = {
  type?: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  anyOf?: readonly { const?: unknown }[];
};

const expectationOf = (schema: TSchema): string => {
  const s = schema as Described;
  if (s.anyOf) return `one of ${s.anyOf.map((option) => String(option.const)).join(", ")}`;
  if (s.type === "boolean") return "true or false";
  if (s.type === "integer" || s.type === "number")
    return `${s.type === "integer" ? "a whole number" : "a number"} from ${s.minimum ?? "-∞"} to ${s.maximum ?? "∞"}`;
  return s.pattern ? `a text that matches ${s.pattern}` : "a text";
};
