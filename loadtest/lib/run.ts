/** This run, as each of k6's virtual users sees it: settings, plan, and what is ordered. */
import { SharedArray } from "k6/data";
import { catalogueFrom } from "../../shared/domain/catalogue.ts";
import { profileNamed } from "../profiles/all.ts";
import { openOrders } from "./orders.ts";
import { planOf } from "./scenarios.ts";
import { settingsFrom } from "./settings.ts";

/** Every virtual user runs this file at a time of its own; a shared array is made once. */
const [initialMs = 0] = new SharedArray<number>("when k6 was started", () => [Date.now()]);

export const settings = settingsFrom(__ENV, initialMs);
export const plan = planOf(profileNamed(settings.profile), settings);

/** A path that is not absolute is the project's. */
const catalogueText = (): string => {
  const { catalogueFile } = settings;
  return open(catalogueFile.startsWith("/") ? catalogueFile : import.meta.resolve(`../../${catalogueFile}`));
};

/** Of ten thousand stores one copy, and not one for each virtual user. */
const stores = new SharedArray<string>("stores", () =>
  catalogueFrom(JSON.parse(catalogueText())).stores.filter((store) => !settings.probeStores.includes(store)),
);
const drinks = new SharedArray<string>("drinks", () => [
  ...catalogueFrom(JSON.parse(catalogueText())).drinks,
]);

export const orders = openOrders({ seed: settings.seed, stores, drinks: [...drinks] });
/** Of any store: what a probe asks for. */
export const anyDrink = drinks[0] ?? "";
