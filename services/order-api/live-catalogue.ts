/**
 * The catalogue of the file, and the names that the operator added while the APIs run. They are in PostgreSQL, so every API
 * learns them with its next poll and still has them after a restart.
 */
import type { FastifyBaseLogger } from "fastify";
import { type Catalogue, catalogueOf, MAX_NAMES, type Names, nameProblem } from "#shared/domain/catalogue.ts";
import type { FieldError } from "#shared/domain/order.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { addNames, readAddedNames } from "#shared/store/catalogue-names.ts";
import type { Pool } from "#shared/store/pool.ts";
import { type Poll, pollEvery } from "./polls.ts";

export type LiveCatalogue = Catalogue & {
  /** False until the added names were read once: an unknown name may be one of them. */
  isComplete(): boolean;
  /** What is wrong with the names of a request to add them. */
  problemsOf(names: Names): readonly FieldError[];
  /** Resolves with those that were new, which this API accepts from then on. Rejects while PostgreSQL is unreachable. */
  add(names: Names): Promise<Names>;
};

/** The catalogue of a process without PostgreSQL, and of documents. */
export const fixedCatalogue = (catalogue: Catalogue): LiveCatalogue => ({
  ...catalogue,
  isComplete: () => true,
  problemsOf: () => [],
  add: async () => ({ stores: [], drinks: [] }),
});

export const openLiveCatalogue = (
  file: Catalogue,
  pool: Pool,
  everyMs: number,
  log: FastifyBaseLogger,
): LiveCatalogue & Poll => {
  let current = file;
  let lastId = "0";
  let isRead = false;
  const outage = openOutageLog(log, {
    failing: "added names of the catalogue not readable, retrying",
    recovered: "added names of the catalogue readable again",
  });

  const read = async (): Promise<void> => {
    const added = await readAddedNames(pool, lastId);
    [lastId, isRead] = [added.lastId, true];
    const news = newNames(current, added);
    if (news.stores.length + news.drinks.length > 0) current = joined(current, news);
  };
  // one at a time: the reading of an addition must not be overtaken by a poll's older one
  let reading = Promise.resolve();
  const inTurn = (): Promise<void> => {
    reading = reading.catch(() => undefined).then(read);
    return reading;
  };
  const { close } = pollEvery(everyMs, () => inTurn().then(outage.succeeded, outage.failed));
  return {
    get stores() {
      return current.stores;
    },
    get drinks() {
      return current.drinks;
    },
    storeNamed: (name) => current.storeNamed(name),
    drinkNamed: (name) => current.drinkNamed(name),
    isComplete: () => isRead,
    problemsOf: (names) => problemsIn(names, current),
    add: async (names) => {
      const news = newNames(current, names);
      await addNames(pool, news);
      await inTurn();
      log.info({ stores: news.stores.length, drinks: news.drinks.length }, "catalogue extended");
      return news;
    },
    close,
  };
};

const KINDS = ["stores", "drinks"] as const;

const composed = (names: readonly string[]): string[] => [
  ...new Set(names.map((name) => name.normalize("NFC"))),
];

/** Those that the catalogue does not have, in NFC, each once. */
const newNames = ({ storeNamed, drinkNamed }: Catalogue, { stores, drinks }: Names): Names => ({
  stores: composed(stores).filter((name) => storeNamed(name) === null),
  drinks: composed(drinks).filter((name) => drinkNamed(name) === null),
});

const joined = (catalogue: Catalogue, { stores, drinks }: Names): Catalogue =>
  catalogueOf({ stores: [...catalogue.stores, ...stores], drinks: [...catalogue.drinks, ...drinks] });

const problemsIn = (names: Names, current: Catalogue): readonly FieldError[] => {
  const errors: FieldError[] = [];
  for (const kind of KINDS) {
    for (const [index, name] of names[kind].entries()) {
      const problem = nameProblem(name.normalize("NFC"));
      if (problem !== null) errors.push({ field: `${kind}.${index}`, message: problem });
    }
    const count = current[kind].length + newNames(current, names)[kind].length;
    if (count > MAX_NAMES[kind])
      errors.push({ field: kind, message: `would be ${count}: a catalogue has at most ${MAX_NAMES[kind]}` });
  }
  return errors;
};
