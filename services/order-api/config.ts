import { join } from "node:path";
import { type Static, Type } from "typebox";
import { type Catalogue, catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes } from "#shared/modes/all.ts";
import type { Mode } from "#shared/ports.ts";
import {
  boardRedisUrlKnob,
  databaseUrlKnob,
  loadModeSettings,
  loadSettings,
  logLevelKnob,
  readSetting,
} from "#shared/runtime/config.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";

export const apiKnobs = Type.Object({
  host: Type.String({ default: "127.0.0.1", description: "the address the API listens on" }),
  port: Type.Integer({
    default: 8005,
    minimum: 0,
    maximum: 65_535,
    description: "the port the API listens on; 0 is any",
  }),
  databaseUrl: databaseUrlKnob,
  boardRedisUrl: boardRedisUrlKnob,
  catalogueFile: Type.String({
    default: "",
    description: "a JSON file of stores and drinks; empty is the one that comes with Coffee-RT",
  }),
  access: Type.Union([Type.Literal("open"), Type.Literal("tokens")], {
    default: "open",
    description: "open: everyone who reaches the API may use it; tokens: requests need a token of TOKENS",
  }),
  tokensFile: Type.String({
    default: "",
    description: "a JSON file of tokens, read again when it changes (docs/api.md)",
  }),
  tokens: Type.String({ default: "", description: "the same JSON, instead of a file" }),
  protectMetrics: Type.Boolean({
    default: false,
    description: "whether /metrics needs a token that may operate, with ACCESS=tokens",
  }),
  maxEventAgeDays: Type.Integer({
    default: 366,
    minimum: 1,
    maximum: 36_500,
    description: "orders dated before this are rejected",
  }),
  maxLagOrders: Type.Integer({
    default: 1_000_000,
    minimum: 1,
    maximum: 1_000_000_000,
    description:
      "a mode with more orders accepted and not counted answers 503 until its workers have caught up",
  }),
  pollEveryMs: Type.Integer({
    default: 1_000,
    minimum: 50,
    maximum: 60_000,
    description: "how often lag and health of the modes are read",
  }),
  readConnections: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 100,
    description: "connections to PostgreSQL for reading",
  }),
  maxSockets: Type.Integer({
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "WebSockets at a time; more are answered 503",
  }),
  allowedOrigins: Type.String({
    default: "",
    description:
      "pages that may use this API besides its own, as https://host, separated by commas; * lets any page read, not send",
  }),
  currency: Type.String({
    default: "",
    pattern: "^([A-Z]{3})?$",
    expects: "a currency of three capital letters, as USD, or nothing",
    description: "the currency of prices on the page, as USD; empty shows none",
  }),
  pageOrdersPerSecond: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 1_000,
    description: "generated orders per second that the page may send by each mode; 0 disables its buttons",
  }),
  logLevel: logLevelKnob("info"),
  stopDeadlineMs: Type.Integer({
    default: 10_000,
    minimum: 100,
    maximum: 300_000,
    description: "from SIGTERM to the end",
  }),
});

/** Each mode by a variable of its own: merged compose overlays keep only the last value of a shared one. */
export const switchKnobs = Type.Object(
  Object.fromEntries(
    modes.map((mode) => [
      `${mode.name}Enabled`,
      Type.Boolean({ default: false, description: `whether ${mode.name} (${mode.title}) takes orders` }),
    ]),
  ),
);

export type ApiSettings = Static<typeof apiKnobs>;
export type EnabledMode = { readonly mode: Mode; readonly settings: Record<string, unknown> };

/**
 * The origins of ALLOWED_ORIGINS, written as a browser sends them: another spelling would never match. Throws an Error with a
 * sentence for one that is not.
 */
export const originsIn = (text: string): string[] => {
  const given = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  for (const origin of given) {
    if (origin === "*") continue;
    const url = URL.parse(origin);
    // a pattern, as https://*.example, is no origin either
    const isWeb = url !== null && /^https?:$/.test(url.protocol) && !url.host.includes("*");
    if (isWeb && url.origin === origin) continue;
    const expected = isWeb
      ? `"${url.origin}", as browsers send it`
      : "http://host:port or https://host, separated by commas, or *";
    throw new Error(`ALLOWED_ORIGINS has "${origin}": expected ${expected}.`);
  }
  return given;
};

/** The catalogue of CATALOGUE_FILE; empty is our own. Throws an Error with a sentence when it cannot be used. */
export const readCatalogue = (file: string): Catalogue => {
  const path = file || join(import.meta.dirname, "catalogue.json");
  const text = readSetting("CATALOGUE_FILE", path);
  try {
    return catalogueFrom(JSON.parse(text));
  } catch (error) {
    throw new Error(`CATALOGUE_FILE is "${path}": ${messageOf(error)}.`, { cause: error });
  }
};

/** Throws an Error with a sentence per wrong variable, those of the enabled modes included. */
export const loadApiSettings = (
  env: Readonly<Record<string, string | undefined>>,
): { settings: ApiSettings; enabled: EnabledMode[] } => {
  const settings = loadSettings(apiKnobs, env);
  originsIn(settings.allowedOrigins);
  const switches = loadSettings(switchKnobs, env) as Record<string, boolean>;
  const enabled = modes
    .filter((mode) => switches[`${mode.name}Enabled`])
    .map((mode) => ({ mode, settings: loadModeSettings(mode, env) }));
  if (enabled.length === 0) {
    const names = modes.map((mode) => `${mode.name.toUpperCase()}_ENABLED`);
    throw new Error(`No mode is on: set ${names.join(", ")} or several of them to true.`);
  }
  return { settings, enabled };
};
