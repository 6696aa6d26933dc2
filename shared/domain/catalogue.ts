/** The stores and drinks that orders may name. */
export type Catalogue = {
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly hasStore: (store: string) => boolean;
  readonly hasDrink: (drink: string) => boolean;
};

export const MAX_NAME_LENGTH = 100;
/** The lab's largest experiment has 10 000 stores; ten times that is a mistake, not a catalogue. */
const MAX_STORES = 100_000;
/** Every drink of 30 days is held in memory on each publish. */
const MAX_DRINKS = 1_000;

/** A catalogue from parsed JSON `{"stores": [...], "drinks": [...]}`. Throws an Error that names what is wrong. */
export const catalogueFrom = (input: unknown): Catalogue => {
  const source = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const stores = namesIn(source["stores"], "stores", MAX_STORES);
  const drinks = namesIn(source["drinks"], "drinks", MAX_DRINKS);
  const storeSet = new Set(stores);
  const drinkSet = new Set(drinks);
  return { stores, drinks, hasStore: (s) => storeSet.has(s), hasDrink: (d) => drinkSet.has(d) };
};

/** Not `isWellFormed`, which k6's engine lacks. Spreading a text splits it by code point, so only lone surrogates match. */
const hasLoneSurrogate = (text: string): boolean => [...text].some((each) => /^[\ud800-\udfff]$/.test(each));

const namesIn = (value: unknown, field: string, most: number): string[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > most)
    throw new Error(`catalogue: "${field}" must be a list of 1 to ${most} names`);
  const names: string[] = [];
  for (const [index, name] of value.entries()) {
    if (typeof name !== "string" || name.length === 0 || name.length > MAX_NAME_LENGTH)
      throw new Error(`catalogue: ${field}[${index}] must be a text of 1 to ${MAX_NAME_LENGTH} characters`);
    // PostgreSQL stores neither, so every order for such a name would become a dead letter.
    if (name.includes("\0") || hasLoneSurrogate(name))
      throw new Error(`catalogue: ${field}[${index}] must not hold U+0000 or half a surrogate pair`);
    names.push(name);
  }
  if (new Set(names).size !== names.length) throw new Error(`catalogue: "${field}" names something twice`);
  return names;
};
