import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Type } from "typebox";
import { expect, onTestFinished, test } from "vitest";
import { databaseUrlKnob, loadSettings, variableOf, variablesFor } from "./config.ts";

const knobs = Type.Object({
  batchWaitMs: Type.Integer({ default: 5, minimum: 0, maximum: 100, description: "how long a batch waits" }),
  loadFactor: Type.Number({ default: 0.5, minimum: -1, maximum: 2 }),
  v1Enabled: Type.Boolean({ default: false, description: "whether v1 takes orders" }),
  logLevel: Type.Union([Type.Literal("debug"), Type.Literal("info")], { default: "info" }),
  acks: Type.Union([Type.Literal(-1), Type.Literal(1)], { default: -1 }),
  topic: Type.String({ default: "orders", pattern: "^[a-z-]{1,20}$" }),
  databaseUrl: Type.String({ description: "PostgreSQL" }),
});
const url = { DATABASE_URL: "postgres://db" };
const refusal = (env: Record<string, string>): string => {
  try {
    loadSettings(knobs, { ...url, ...env });
  } catch (error) {
    return (error as Error).message;
  }
  return "taken";
};

test("a variable that is not set or empty has its default", () => {
  const defaults = {
    batchWaitMs: 5,
    loadFactor: 0.5,
    v1Enabled: false,
    logLevel: "info",
    acks: -1,
    topic: "orders",
    databaseUrl: "postgres://db",
  };
  expect(loadSettings(knobs, { ...url, UNRELATED: "7", batchWaitMs: "9" })).toEqual(defaults);
  expect(loadSettings(knobs, { ...url, BATCH_WAIT_MS: "", V1_ENABLED: "", TOPIC: undefined })).toEqual(
    defaults,
  );
});

test("texts are converted to the types of their knobs", () => {
  const env = {
    BATCH_WAIT_MS: "100",
    LOAD_FACTOR: "-0.25",
    V1_ENABLED: "true",
    LOG_LEVEL: "debug",
    ACKS: "1",
  };
  expect(loadSettings(knobs, { ...url, ...env, TOPIC: "true" })).toEqual({
    batchWaitMs: 100,
    loadFactor: -0.25,
    v1Enabled: true,
    logLevel: "debug",
    acks: 1,
    topic: "true",
    databaseUrl: "postgres://db",
  });
  expect(loadSettings(knobs, { ...url, V1_ENABLED: "false" }).v1Enabled).toBe(false);
  const names = Type.Object({ name: Type.String() });
  expect(loadSettings(names, { NAME: "007" })).toEqual({ name: "007" });
});

test.each([
  [
    "BATCH_WAIT_MS",
    "soon",
    'BATCH_WAIT_MS is "soon": expected a whole number from 0 to 100 (how long a batch waits).',
  ],
  ["LOAD_FACTOR", "2.1", 'LOAD_FACTOR is "2.1": expected a number from -1 to 2.'],
  ["V1_ENABLED", "yes", 'V1_ENABLED is "yes": expected true or false (whether v1 takes orders).'],
  ["LOG_LEVEL", "loud", 'LOG_LEVEL is "loud": expected one of debug, info.'],
  ["ACKS", "0", 'ACKS is "0": expected one of -1, 1.'],
  ["TOPIC", "A B", 'TOPIC is "A B": expected a text that matches ^[a-z-]{1,20}$.'],
  ["DATABASE_URL", "", "DATABASE_URL is not set: expected a text (PostgreSQL)."],
])(
  "the message for %s=%j names the variable, its value, what is expected, and its purpose",
  (name, value, message) => expect(refusal({ [name]: value })).toBe(message),
);

test("every wrong variable has its message", () => {
  const messages = refusal({ BATCH_WAIT_MS: "-1", V1_ENABLED: "2", TOPIC: "!", DATABASE_URL: "" });
  expect(messages.match(/^[A-Z0-9_]+/gm)?.sort()).toEqual([
    "BATCH_WAIT_MS",
    "DATABASE_URL",
    "TOPIC",
    "V1_ENABLED",
  ]);
});

const NO_WHOLE_NUMBERS = "101|-1|1.5|true|0x10|1e1|7n| 7|7 |NaN|Infinity|1e400|5ms|1_0".split("|");
test.each(NO_WHOLE_NUMBERS)("%j is not a whole number from 0 to 100", (text) => {
  expect(refusal({ BATCH_WAIT_MS: text })).toContain(`BATCH_WAIT_MS is "${text}": expected a whole number`);
});

test("a knob's variable is its name in upper case", () => {
  expect(variableOf("batchWaitMs")).toBe("BATCH_WAIT_MS");
  expect(variableOf("v1Enabled")).toBe("V1_ENABLED");
  expect(variableOf("port")).toBe("PORT");
});

test("variablesFor is the inverse of loadSettings", () => {
  const settings = fc.record({
    batchWaitMs: fc.integer({ min: 0, max: 100 }),
    loadFactor: fc.integer({ min: -100, max: 200 }).map((hundredths) => hundredths / 100),
    v1Enabled: fc.boolean(),
    logLevel: fc.constantFrom("debug", "info"),
    acks: fc.constantFrom(-1, 1),
    topic: fc.stringMatching(/^[a-z-]{1,20}$/),
    databaseUrl: fc.string({ minLength: 1 }),
  });
  fc.assert(
    fc.property(settings, (given) => void expect(loadSettings(knobs, variablesFor(given))).toEqual(given)),
  );
});

const secrets = Type.Object({
  databaseUrl: databaseUrlKnob,
  password: Type.String({ default: "", isSecret: true }),
  topic: Type.String({ default: "" }),
});
const fileOf = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-settings-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secret");
  writeFileSync(file, text);
  return file;
};

test("a secret may be in a file, with or without a line break at its end", () => {
  for (const end of ["", "\n", "\r\n"])
    expect(
      loadSettings(secrets, {
        DATABASE_URL_FILE: fileOf(`postgres://u:p@h/d${end}`),
        PASSWORD_FILE: fileOf(` two words ${end}`),
      }),
    ).toMatchObject({ databaseUrl: "postgres://u:p@h/d", password: " two words " });
});

test.each<[Record<string, string>, RegExp]>([
  [
    { PASSWORD: "a", PASSWORD_FILE: "/b" },
    /^PASSWORD and PASSWORD_FILE are both set: expected one of them\.$/,
  ],
  [{ PASSWORD_FILE: "/nowhere" }, /^PASSWORD_FILE is "\/nowhere": ENOENT/],
  [{ PASSWORD_FILE: "/tmp" }, /^PASSWORD_FILE is "\/tmp": EISDIR/],
])("%o is refused", (env, message) => {
  expect(() => loadSettings(secrets, { DATABASE_URL: "postgres://h/d", ...env })).toThrow(message);
});

test("an empty file is refused, and a setting that is no secret has no file", () => {
  const file = fileOf("\n");
  const env = { DATABASE_URL: "postgres://h/d" };
  expect(() => loadSettings(secrets, { ...env, PASSWORD_FILE: file })).toThrow("the file is empty");
  expect(loadSettings(secrets, { ...env, TOPIC_FILE: file }).topic).toBe("");
});

test.each([
  "postgres://u:p/w@h/d",
  "postgres://u:1/w@h/d",
  "postgres://u:p#w@h/d",
  "postgres://u:p?w@h/d",
  "postgres://u:p%w@h/d",
  "postgres://u:100%@h/d",
  "postgres://u:w@a,b/d",
  "postgres://u:w@a:1,b:2/d",
  "postgres://u:w@h:port/d",
])("%s is refused without its password, and the message says what to encode", (text) => {
  const load = () => loadSettings(secrets, { DATABASE_URL: text });
  expect(load).toThrow(
    /^DATABASE_URL is "postgres:\/\/u:\*\*\*@.*": expected the URL of one host, .*@ as %40/,
  );
});

test.each([
  "postgres://u:p%2Fw%40%23%25@h:5432/d",
  "postgres://u:p@w@h/d",
  "postgres://u@[::1]:5432/d?sslmode=verify-full",
  "postgres:///d?host=/var/run/postgresql",
  "postgres://u:p@/d?host=/var/run/postgresql",
  "postgresql://u:p!$&'()*+,;=~^w@h/d?options=-c%20search_path%3Dapp",
])("%s is a URL", (text) => {
  expect(loadSettings(secrets, { DATABASE_URL: text }).databaseUrl).toBe(text);
});
