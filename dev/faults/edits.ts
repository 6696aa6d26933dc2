/** Mistakes as data: which text of which source file stands for which other one. */

export type Edit = {
  /** From the project's root. */
  readonly file: string;
  /** Has to be there exactly once. */
  readonly find: string;
  readonly replace: string;
};

export const PLANT_VARIABLE = "FAULTS_PLANT";

/** Throws when a text is not found exactly once: a mistake must not become nothing when the product changes. */
export const planted = (source: string, edits: readonly Edit[]): string =>
  edits.reduce((text, { file, find, replace }) => {
    const places = text.split(find);
    if (places.length !== 2) throw new Error(`${file} has ${places.length - 1} times, not once: ${find}`);
    return places.join(replace);
  }, source);

/** What a program says in which a mistake was planted. */
export const toldPlanted = (file: string): string => `a mistake is planted in ${file}`;

/** What makes programs plant these as they start. */
export const plantingEnv = (edits: readonly Edit[]): Record<string, string> =>
  edits.length === 0
    ? {}
    : {
        NODE_OPTIONS: "--import=./dev/faults/plant.ts",
        [PLANT_VARIABLE]: JSON.stringify(edits),
        // nothing of a mutant is kept, and nothing kept stands for it
        NODE_DISABLE_COMPILE_CACHE: "1",
      };
