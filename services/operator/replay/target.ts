/** The system that a replay sends to: the one of --url, one that runs here, or one that is started for this replay. */
import type { Names } from "#shared/domain/catalogue.ts";
import { type Api, openRetries, readJson, refusalOf, request } from "./api.ts";
import { count } from "./output.ts";

/** Starts a system that takes the file's orders; `firstMs` is the time of the first sale as it is sent. */
export type StartSystem = (wanted: {
  readonly mode: string;
  readonly catalogue: Names;
  readonly firstMs: number;
  /** Keeps its data between two runs of the same replay. */
  readonly folder: string;
  readonly say: (line: string) => void;
}) => Promise<{ readonly url: string; stop(): Promise<void> }>;

/** Names of one request, whose body may have 1 MiB. */
const NAMES_AT_ONCE = 1_000;
/** How long no request may succeed: an API that restarts is back by then. */
const RETRY_LIMIT_MS = 60_000;
const MAX_LISTED = 3;

type Wanted = {
  readonly mode: string;
  readonly names: Names;
  /** Adds what the catalogue lacks, instead of an error. */
  readonly extends: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/**
 * Makes sure that a running system takes the file's orders. Throws an Error with what to do when it has no such mode,
 * denies access, or lacks names that may not be added.
 */
export const prepareSystem = async (api: Api, wanted: Wanted): Promise<void> => {
  const { modes } = await readJson<{ modes: readonly { name: string }[] }>(api, "/api/setup", wanted.signal);
  const names = modes.map(({ name }) => name);
  if (!names.includes(wanted.mode))
    throw new Error(`${api.url} has no mode ${wanted.mode}: choose --mode ${names.join(" or --mode ")}`);
  const known = await readJson<Names>(api, "/api/catalogue", wanted.signal);
  const missing = missingIn(known, wanted.names);
  const { stores, drinks } = missing;
  if (stores.length + drinks.length === 0) return;
  const what = [inWords(stores, "store", known.stores), inWords(drinks, "drink", known.drinks)]
    .filter((each) => each !== "")
    .join(" and ");
  if (!wanted.extends)
    throw new Error(
      `the catalogue of ${api.url} lacks ${what}: --extend-catalogue adds them for good, --own-system replays into a new system`,
    );
  await add(api, missing, wanted.signal);
  wanted.say(`Added to the catalogue of ${api.url}: ${what}.`);
};

const missingIn = (catalogue: Names, { stores, drinks }: Names): Names => {
  const [known, knownDrinks] = [new Set(catalogue.stores), new Set(catalogue.drinks)];
  return {
    stores: stores.filter((name) => !known.has(name.normalize("NFC"))),
    drinks: drinks.filter((name) => !knownDrinks.has(name.normalize("NFC"))),
  };
};

/** Names the entry of the catalogue that differs only in case: adding the name would make a second one. */
const inWords = (names: readonly string[], what: string, known: readonly string[]): string => {
  if (names.length === 0) return "";
  const inLowerCase = new Map(known.map((name) => [name.toLowerCase(), name]));
  const listed = names.slice(0, MAX_LISTED).map((name) => {
    const other = inLowerCase.get(name.normalize("NFC").toLowerCase());
    return other === undefined ? name : `${name}: it has ${other}`;
  });
  const more = names.length > MAX_LISTED ? ", …" : "";
  return `${count(names.length)} ${what}${names.length > 1 ? "s" : ""} (${listed.join(", ")}${more})`;
};

const add = async (api: Api, { stores, drinks }: Names, signal: AbortSignal): Promise<void> => {
  const retries = openRetries(RETRY_LIMIT_MS);
  for (let from = 0; from < Math.max(stores.length, drinks.length); from += NAMES_AT_ONCE) {
    const to = from + NAMES_AT_ONCE;
    const body = JSON.stringify({ stores: stores.slice(from, to), drinks: drinks.slice(from, to) });
    const reply = await retries.ask(() => request(api, "/api/catalogue", body), signal);
    if (reply.status !== 200)
      throw new Error(`the catalogue was not extended: ${refusalOf(api, reply, "write, read and operate")}`);
  }
};
