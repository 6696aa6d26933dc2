/**
 * The catalogue of the file, and the names that the operator added while the APIs run. They are in PostgreSQL, so every API
 * learns them and still has them after a restart.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { type Catalogue, catalogueOf, MAX_NAMES, type Names, nameProblem } from "#shared/domain/catalogue.ts";
import type { FieldError } from "#shared/domain/order.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { type Additions, addNames, readAdditions } from "#shared/store/catalogue-additions.ts";
import type { Pool } from "#shared/store/pool.ts";
import { type Poll, pollEvery } from "./polls.ts";
import { type Tagged, taggedJson } from "./tagged.ts";

export type LiveCatalogue = Catalogue & {
  /** All names as JSON. Made once for each change: 100 000 names take 40 ms. */
  json(): Tagged;
  /**
   * Reads what was added until now. False while PostgreSQL does not answer: an unknown name may then be an added one. Calls
   * that come close together share one reading, so unknown names cost at most ten readings a second.
   */
  refresh(): Promise<boolean>;
  /**
   * Resolves with the names that were new, which this API accepts from then on, or with what is wrong with them. Rejects while
   * PostgreSQL is unreachable.
   */
  add(names: Names): Promise<{ readonly added: Names } | { readonly errors: readonly FieldError[] }>;
};

const READ_EVERY_MS = 100;

export const openLiveCatalogue = (
  file: Catalogue,
  pool: Pool,
  everyMs: number,
  log: FastifyBaseLogger,
): LiveCatalogue & Poll => {
  let current = file;
  let json: Tagged | null = null;
  let stamp: string | null = null;
  let startedAt = Number.NEGATIVE_INFINITY;
  let next: Promise<boolean> | null = null;
  const outage = openOutageLog(log, {
    failing: "additions to the catalogue not readable, retrying",
    recovered: "additions to the catalogue readable again",
    // the first connection is opened while the program loads
    tolerated: 1,
  });

  const take = (additions: Additions): void => {
    stamp = additions.stamp;
    current = joined(file, additions);
    json = null;
  };
  const read = async (): Promise<boolean> => {
    try {
      const additions = await readAdditions(pool, stamp);
      if (additions !== null) take(additions);
      outage.succeeded();
      return true;
    } catch (error) {
      outage.failed(error);
      return false;
    }
  };
  const refresh = (): Promise<boolean> => {
    next ??= (async () => {
      await sleep(Math.max(0, startedAt + READ_EVERY_MS - performance.now()));
      startedAt = performance.now();
      // who comes from now on may know of names that this reading misses
      next = null;
      return read();
    })();
    return next;
  };
  const { close } = pollEvery(everyMs, async () => void (await refresh()));
  return {
    get stores() {
      return current.stores;
    },
    get drinks() {
      return current.drinks;
    },
    storeNamed: (name) => current.storeNamed(name),
    drinkNamed: (name) => current.drinkNamed(name),
    json: () => {
      json ??= taggedJson({ stores: current.stores, drinks: current.drinks });
      return json;
    },
    refresh,
    add: async (names) => {
      const errors = problemsIn(names);
      if (errors.length > 0) return { errors };
      const added = unknownOf(current, names);
      // those of the file alone are left out: PostgreSQL may have lost what this process remembers
      const additions = await addNames(pool, unknownOf(file, names), roomOf(file));
      if (additions === null) return { errors: [tooMany(names)] };
      take(additions);
      log.info({ stores: added.stores.length, drinks: added.drinks.length }, "catalogue extended");
      return { added };
    },
    close,
  };
};

/** The catalogue of a process without PostgreSQL, and of documents. */
export const fixedCatalogue = (catalogue: Catalogue): LiveCatalogue => ({
  ...catalogue,
  json: () => taggedJson({ stores: catalogue.stores, drinks: catalogue.drinks }),
  refresh: async () => true,
  add: async () => ({ added: { stores: [], drinks: [] } }),
});

const KINDS = ["stores", "drinks"] as const;

const composed = (names: readonly string[]): string[] => [
  ...new Set(names.map((name) => name.normalize("NFC"))),
];

/** Those that the catalogue does not have, in NFC, each once. */
const unknownOf = ({ storeNamed, drinkNamed }: Catalogue, { stores, drinks }: Names): Names => ({
  stores: composed(stores).filter((name) => storeNamed(name) === null),
  drinks: composed(drinks).filter((name) => drinkNamed(name) === null),
});

const joined = (file: Catalogue, additions: Names): Catalogue => {
  const { stores, drinks } = unknownOf(file, additions);
  return catalogueOf({ stores: [...file.stores, ...stores], drinks: [...file.drinks, ...drinks] });
};

const roomOf = ({ stores, drinks }: Names): Record<keyof Names, number> => ({
  stores: MAX_NAMES.stores - stores.length,
  drinks: MAX_NAMES.drinks - drinks.length,
});

const problemsIn = (names: Names): FieldError[] =>
  KINDS.flatMap((kind) =>
    names[kind].flatMap((name, index) => {
      const message = nameProblem(name.normalize("NFC"));
      return message === null ? [] : [{ field: `${kind}.${index}`, message }];
    }),
  );

const tooMany = ({ stores }: Names): FieldError => ({
  field: stores.length > 0 ? "stores" : "drinks",
  message: `would be too many: a catalogue has at most ${MAX_NAMES.stores} stores and ${MAX_NAMES.drinks} drinks`,
});
