import { readFileSync } from "node:fs";
import type { ErrorObject } from "ajv";
import { type Static, type TObject, type TSchema, Type } from "typebox";
import type { Mode } from "../ports.ts";
import { messageOf } from "./lifecycle.ts";
import { checkBy } from "./schema.ts";

/** A setting is found to be wrong only once its server answers. No retry repairs it, so the program stops. */
export class WrongSetting extends Error {}

/** The address of one server, with its user and password. */
const urlKnob = (scheme: string, form: string, description: string) =>
  Type.String({
    isSecret: true,
    isUrl: true,
    pattern: `^${scheme}://`,
    expects: `${form} (${description})`,
    description,
  });
export const redisUrlKnob = (description: string) =>
  urlKnob("rediss?", "a URL as redis://host:port, or rediss://host:port for TLS", description);

/** Knobs of several programs. */
export const databaseUrlKnob = urlKnob(
  "postgres(ql)?",
  "a URL that begins with postgres:// or postgresql://",
  "PostgreSQL, as postgres://user@host:port/name",
);
export const boardRedisUrlKnob = redisUrlKnob("the Redis of the board, and of v1's schedule");
export const logLevelKnob = (level: "info" | "warn") =>
  Type.Union([Type.Literal("debug"), Type.Literal("info"), Type.Literal("warn"), Type.Literal("error")], {
    default: level,
  });

/**
 * Settings come from the environment: the knob `batchWaitMs` from BATCH_WAIT_MS. A program's schema is the one place that
 * defines its knobs, each with its default, bounds and description. A knob with `isSecret` may also be in a file, which
 * its variable with _FILE names: containers get their secrets as files.
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
    const text = textOf(variableOf(knob), of, env);
    if (text === undefined || text === "") continue;
    given[knob] = text;
    values[knob] = parsed(text, of);
  }
  const wrong = new Set(checkBy(schema)(values).map(knobOf));
  for (const [knob, text] of Object.entries(given))
    if ((schema.properties[knob] as Described).isUrl && !isUrl(text)) wrong.add(knob);
  if (wrong.size > 0) {
    const sentences = [...wrong].map((knob) =>
      sentenceFor(knob, given[knob], schema.properties[knob] as TSchema),
    );
    throw new Error(sentences.join("\n"));
  }
  return values as Static<T>;
};

/** The settings of a mode. Throws as `loadSettings` does, also when two settings do not fit together. */
export const loadModeSettings = (
  mode: Pick<Mode, "knobs" | "check">,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> => {
  const settings = loadSettings(mode.knobs, env) as Record<string, unknown>;
  mode.check?.(settings);
  return settings;
};

const textOf = (
  variable: string,
  schema: TSchema,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined => {
  const text = env[variable];
  const file = (schema as Described).isSecret ? env[`${variable}_FILE`] : undefined;
  if (!file) return text;
  if (text) throw new Error(`${variable} and ${variable}_FILE are both set: expected one of them.`);
  const held = readSetting(`${variable}_FILE`, file).replace(/\r?\n$/, "");
  if (held === "") throw new Error(`${variable}_FILE is "${file}": the file is empty.`);
  return held;
};

/** The text of the file that a variable names. Throws an Error with a sentence when it cannot be read. */
export const readSetting = (variable: string, file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${variable} is "${file}": ${messageOf(error)}.`, { cause: error });
  }
};

const DECIMAL = /^-?\d+(\.\d+)?$/;

const BOOLEANS = new Map([
  ["true", true],
  ["false", false],
]);

/** A text that is not of its knob's type stays one, which the schema then rejects. */
const parsed = (text: string, schema: TSchema): unknown => {
  const { type, anyOf } = schema as Described;
  if (anyOf) return anyOf.find((option) => String(option.const) === text)?.const ?? text;
  if (type === "boolean") return BOOLEANS.get(text.toLowerCase()) ?? text;
  const isNumber = type === "integer" || type === "number";
  return isNumber && DECIMAL.test(text) ? Number(text) : text;
};

/** batchWaitMs -> BATCH_WAIT_MS, v1Enabled -> V1_ENABLED */
export const variableOf = (knob: string): string =>
  knob.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** The environment that makes a program load these settings: the inverse of `loadSettings`. */
export const variablesFor = (
  settings: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([knob, value]) => [variableOf(knob), String(value)]));

const knobOf = ({ instancePath, params }: ErrorObject): string =>
  String(params["missingProperty"] ?? instancePath.split("/")[1] ?? "");

const sentenceFor = (knob: string, given: string | undefined, schema: TSchema): string => {
  const { description: about, expects, isSecret, isUrl: isUrlKnob, pattern = "" } = schema as Described;
  const shown = isSecret && !isUrlKnob ? "***" : withoutPassword(given ?? "");
  const what = `${variableOf(knob)} is ${given === undefined ? "not set" : `"${shown}"`}`;
  if (isUrlKnob && given !== undefined && new RegExp(pattern).test(given))
    return `${what}: expected ${ONE_HOST}.`;
  if (expects) return `${what}: expected ${expects}.`;
  return `${what}: expected ${expectationOf(schema)}${about ? ` (${about})` : ""}.`;
};

/** Masks the password of a rejected URL, also when its scheme is wrong. */
const withoutPassword = (text: string): string => text.replace(/^((?:[^:/@]*:\/\/)?[^:@/]*):.*@/, "$1:***@");

/** A URL with special characters in its password may be read as one of another host. */
const isUrl = (text: string): boolean => {
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@socket/"));
  if (url === null || /%(?![0-9a-f]{2})/i.test(text)) return false;
  return (
    ![url.host, url.pathname, url.search, url.hash].some((part) => part.includes("@")) &&
    !url.host.includes(",")
  );
};

const ONE_HOST =
  "the URL of one host, with the special characters of the password encoded (% as %25, @ as %40, / as %2F, # as %23, ? as %3F)";

type Described = {
  /** See `urlKnob`. */
  isUrl?: boolean;
  type?: string;
  description?: string;
  /** In words, where a pattern would say it badly. */
  expects?: string;
  isSecret?: boolean;
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
