/** The stores of a run: those that sell, and those that only the probes order at. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomFrom } from "#shared/domain/random.ts";

/** A store has one probe under way at a time: so many are enough for twenty a second that take a second and a half. */
const PROBE_STORES = 32;
const DEFAULT = join(import.meta.dirname, "..", "..", "..", "services", "order-api", "catalogue.json");

export type LabCatalogue = {
  readonly file: string;
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly probeStores: readonly string[];
};

/** Written into the folder. Without a number the stores are the usual ones. */
export const writeCatalogue = (folder: string, stores?: number): LabCatalogue => {
  const usual = JSON.parse(readFileSync(DEFAULT, "utf8")) as { stores: string[]; drinks: string[] };
  const numbered = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(5, "0")}`);
  const probeStores = numbered("probe", PROBE_STORES);
  const selling = stores === undefined ? usual.stores : numbered("store", stores);
  const catalogue = { stores: [...selling, ...probeStores], drinks: usual.drinks };
  const file = join(folder, `catalogue-${stores ?? "usual"}.json`);
  writeFileSync(file, JSON.stringify(catalogue));
  return { file, ...catalogue, probeStores };
};

/** A body of orders at random stores, of random drinks and prices; the server makes their ids. */
export const mixedOrders = ({ drinks, stores }: LabCatalogue, size: number, seed: number): string => {
  const random = randomFrom(seed);
  const order = () => ({
    drink: random.pick(drinks),
    store: random.pick(stores),
    price: (200 + random.below(500)) / 100,
  });
  return JSON.stringify(Array.from({ length: size }, order));
};

/** A body for a closed loop: the same in each request, without ids, as the server makes them. */
export const sameOrders = ({ drinks, stores }: LabCatalogue, size: number): string => {
  const order = { drink: drinks[0], store: stores[0], price: 4.5 };
  return JSON.stringify(size === 1 ? order : Array(size).fill(order));
};
