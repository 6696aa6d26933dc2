/** The settings of a run with their defaults: `npm run load -- -e NAME=value`, `k6 run -e NAME=value`, or the environment. */

export type Settings = {
  readonly baseUrl: string;
  /** Where the API requires one; null sends none. */
  readonly apiToken: string | null;
  /** The route: orders go to /api/{mode}/order. */
  readonly mode: string;
  readonly profile: string;
  readonly seed: number;
  readonly run: number;
  readonly runStartMs: number;
  /** Requests a second; null is the profile's. */
  readonly perSecond: number | null;
  /** Of the whole profile, whose stages are stretched or shortened alike; null is the profile's. */
  readonly seconds: number | null;
  readonly warmUpSeconds: number;
  readonly ordersPerRequest: number;
  readonly probesPerSecond: number;
  readonly probeStores: readonly string[];
  /** Relative to the project, or absolute. */
  readonly catalogueFile: string;
  /** Of the JSON summary; null is none. */
  readonly summaryFile: string | null;
  /** Bounds the requests under way, for which k6 has virtual users. */
  readonly mostVus: number;
  /** WebSockets held open; null is the profile's. */
  readonly watchers: number | null;
  /** Writes a line for each request too (ledger.ts). */
  readonly hasSamples: boolean;
  /** A request without a reply ends after this. */
  readonly replyWithinSeconds: number;
  /** How long the system may take to become ready. */
  readonly waitSeconds: number;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Long after the API itself has decided, which it does within 2 s. */
export const DEFAULT_REPLY_WITHIN_SECONDS = 10;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** The API accepts keys of at most this age, and a little ahead of its clock (shared/domain/order.ts). */
const OLDEST_START_MS = 31 * DAY_MS;
const NEWEST_START_MS = 5 * MINUTE_MS;

/** `nowMs` gives RUN and RUN_START_MS their defaults. Throws an Error that names each wrong variable. */
export const settingsFrom = (environment: Environment, nowMs: number): Settings => {
  const wrong: string[] = [];
  const text = (name: string): string | null => environment[name]?.trim() || null;
  const reject = (name: string, expected: string): void => {
    wrong.push(`${name} is "${text(name)}": expected ${expected}.`);
  };
  const matching = (name: string, otherwise: string, pattern: RegExp, expected: string): string => {
    const value = text(name) ?? otherwise;
    if (!pattern.test(value)) reject(name, expected);
    return value;
  };
  const number = <Otherwise>(name: string, otherwise: Otherwise, range: Range): number | Otherwise => {
    const value = text(name);
    if (value === null) return otherwise;
    if (/^\d+(\.\d+)?$/.test(value) && isWithin(Number(value), range)) return Number(value);
    reject(name, inWords(range));
    return otherwise;
  };

  const settings: Settings = {
    baseUrl: matching(
      "BASE_URL",
      "http://127.0.0.1:8005",
      /^https?:\/\/[^/\s]+(\/\S*)?$/,
      "http://host:port",
    ).replace(/\/+$/, ""),
    apiToken: text("API_TOKEN"),
    mode: matching(
      "MODE",
      "v1",
      /^[a-z0-9][a-z0-9-]{0,31}$/,
      "v1, v2, v3 or another route's name of a-z, 0-9 and -",
    ),
    profile: matching("PROFILE", "baseline", /^[a-z0-9-]+$/, "the name of a profile"),
    seed: number("SEED", 1, { least: 0, most: 2 ** 32 - 1, whole: true }),
    run: number("RUN", nowMs % 2 ** 32, { least: 0, most: 2 ** 32 - 1, whole: true }),
    runStartMs: number("RUN_START_MS", nowMs, {
      least: nowMs - OLDEST_START_MS,
      most: nowMs + NEWEST_START_MS,
      whole: true,
    }),
    perSecond: number("RATE", null, { least: 0.01, most: 1e6, whole: false }),
    seconds: number("DURATION", null, { least: 1, most: 7 * 86_400, whole: false }),
    warmUpSeconds: number("WARM_UP", 0, { least: 0, most: 3_600, whole: false }),
    ordersPerRequest: number("ORDERS_PER_REQUEST", 1, { least: 1, most: 1_000, whole: true }),
    probesPerSecond: number("PROBES_PER_SECOND", 0, { least: 0, most: 100, whole: false }),
    probeStores: [
      ...new Set(
        (text("PROBE_STORES") ?? "")
          .normalize("NFC")
          .split(",")
          .map((name) => name.trim()),
      ),
    ].filter((name) => name !== ""),
    catalogueFile: text("CATALOGUE") ?? "services/order-api/catalogue.json",
    summaryFile: text("SUMMARY"),
    mostVus: number("MAX_VUS", 1_000, { least: 1, most: 100_000, whole: true }),
    watchers: number("WATCHERS", null, { least: 0, most: 1e6, whole: true }),
    hasSamples: number("SAMPLES", 0, { least: 0, most: 1, whole: true }) === 1,
    replyWithinSeconds: number("REPLY_WITHIN", DEFAULT_REPLY_WITHIN_SECONDS, {
      least: 0.1,
      most: DEFAULT_REPLY_WITHIN_SECONDS,
      whole: false,
    }),
    waitSeconds: number("WAIT", 0, { least: 0, most: 600, whole: false }),
  };
  if (settings.probesPerSecond > 0 && settings.probeStores.length === 0)
    wrong.push(
      "PROBES_PER_SECOND needs PROBE_STORES: stores of the server's catalogue without other orders, for example southend.",
    );
  if (wrong.length > 0) throw new Error(wrong.join(" "));
  return settings;
};

/** The error of a run that cannot start. */
export const unreachable = ({ baseUrl }: Settings): string =>
  `BASE_URL is ${baseUrl}, which does not answer: start the system first.`;

/** A request without an order changes nothing, and is denied without a token that may send orders by this mode. */
export const accessPath = ({ mode }: Settings): string => `/api/${mode}/orders`;
export const NO_ORDERS = "[]";

/** The error of a run whose orders would all be refused; null for any other status of a POST of `NO_ORDERS`. */
export const deniedBy = (status: number, { baseUrl, apiToken }: Settings): string | null =>
  status === 401 || status === 403
    ? `API_TOKEN ${apiToken === null ? "is not set" : "is not accepted"}: ${baseUrl} answers ${status} and requires a token that may write by this mode, and read.`
    : null;

type Range = { readonly least: number; readonly most: number; readonly whole: boolean };

const isWithin = (value: number, { least, most, whole }: Range): boolean =>
  value >= least && value <= most && (!whole || Number.isInteger(value));

const inWords = ({ least, most, whole }: Range): string =>
  `a ${whole ? "whole number" : "number"} from ${least} to ${most}`;
