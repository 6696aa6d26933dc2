/** The stores and drinks that orders may name, in Unicode's composed form (NFC). */
export type Catalogue = {
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  /** The catalogue's spelling of a store, which may be sent in another Unicode form; null for an unknown one. */
  readonly storeNamed: (name: string) => string | null;
  readonly drinkNamed: (name: string) => string | null;
};

/** Names by kind, as a catalogue's file and the requests that extend it have them. */
export type Names = { readonly stores: readonly string[]; readonly drinks: readonly string[] };

export const MAX_NAME_LENGTH = 100;
/**
 * The lab's largest experiment has 10 000 stores; ten times that is a mistake, not a catalogue. Every drink of 30 days is held
 * in memory on each publish.
 */
export const MAX_NAMES: Readonly<Record<keyof Names, number>> = { stores: 100_000, drinks: 1_000 };

/** A catalogue from parsed JSON `{"stores": [...], "drinks": [...]}`. Throws an Error that names what is wrong. */
export const catalogueFrom = (input: unknown): Catalogue => {
  const source = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  return catalogueOf({
    stores: namesIn(source["stores"], "stores"),
    drinks: namesIn(source["drinks"], "drinks"),
  });
};

/** Of names in NFC, each once. */
export const catalogueOf = ({ stores, drinks }: Names): Catalogue => ({
  stores,
  drinks,
  storeNamed: openNames(stores),
  drinkNamed: openNames(drinks),
});

const openNames = (names: readonly string[]): ((name: string) => string | null) => {
  const known = new Set(names);
  return (name) => {
    if (known.has(name)) return name;
    const composed = name.normalize("NFC");
    return known.has(composed) ? composed : null;
  };
};

/** Not `isWellFormed`, which k6's engine lacks. Spreading a text splits it by code point, so only lone surrogates match. */
const hasLoneSurrogate = (text: string): boolean => [...text].some((each) => /^[\ud800-\udfff]$/.test(each));

/** Why a name in NFC cannot be in a catalogue; null when it can. */
export const nameProblem = (name: unknown): string | null => {
  // by code point, as JSON Schema counts
  if (typeof name !== "string" || name === "" || [...name].length > MAX_NAME_LENGTH)
    return `must be a text of 1 to ${MAX_NAME_LENGTH} characters`;
  // PostgreSQL stores neither, so every order for such a name would become a dead letter.
  return name.includes("\0") || hasLoneSurrogate(name)
    ? "must not hold U+0000 or half a surrogate pair"
    : null;
};

const namesIn = (value: unknown, field: keyof Names): string[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_NAMES[field])
    throw new Error(`catalogue: "${field}" must be a list of 1 to ${MAX_NAMES[field]} names`);
  const names = value.map((name: unknown) => (typeof name === "string" ? name.normalize("NFC") : name));
  for (const [index, name] of names.entries()) {
    const problem = nameProblem(name);
    if (problem !== null) throw new Error(`catalogue: ${field}[${index}] ${problem}`);
  }
  if (new Set(names).size !== names.length) throw new Error(`catalogue: "${field}" names something twice`);
  return names as string[];
};
