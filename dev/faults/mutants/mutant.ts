/**
 * Known bugs as data, and how one is applied: a program started with node --import ./dev/faults/mutants/mutant.ts loads
 * the files in FAULTS_EDITS with their texts replaced. The product has no option for any of this, and no file changes.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Fault } from "../faults.ts";

/** A known bug, and the fault that has to expose it. */
export type Mutant = {
  readonly name: string;
  readonly mode: string;
  /** The name of a fault that the product without the bug survives. */
  readonly fault: string;
  readonly edits: readonly Edit[];
  /** The same fault on servers with wrong settings, when these are the bug. */
  readonly misconfigured?: Fault;
  /** What the run has to report: it may also fail because the mutant cannot even start. */
  readonly exposedAs: RegExp;
};

export type Edit = {
  /** From the project's root. */
  readonly file: string;
  /** Has to occur exactly once. */
  readonly find: string;
  readonly replace: string;
};

/** Throws when a text does not occur exactly once: a mutant must not lose its bug when the product changes. */
export const edited = (source: string, edits: readonly Edit[]): string =>
  edits.reduce((text, { file, find, replace }) => {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`${file} has it ${parts.length - 1} times, not once: ${find}`);
    return parts.join(replace);
  }, source);

/** What a program prints when it has loaded an edited file. */
export const editedLine = (file: string): string => `loaded with a bug: ${file}`;

const VARIABLE = "FAULTS_EDITS";

/** Settings with which programs load the edited files. */
export const settingsWith = (edits: readonly Edit[]): Record<string, string> =>
  edits.length === 0
    ? {}
    : {
        NODE_OPTIONS: "--import=./dev/faults/mutants/mutant.ts",
        [VARIABLE]: JSON.stringify(edits),
        // compiled code of a mutant is not kept, and kept code is not used for it
        NODE_DISABLE_COMPILE_CACHE: "1",
      };

const root = join(import.meta.dirname, "..", "..", "..");
const edits = JSON.parse(process.env[VARIABLE] ?? "[]") as Edit[];
const editsOf = new Map(
  edits.map(({ file }) => [pathToFileURL(join(root, file)).href, edits.filter((edit) => edit.file === file)]),
);

if (editsOf.size > 0)
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const own = editsOf.get(url);
      if (own === undefined) return loaded;
      const source = edited(String(loaded.source), own);
      process.stderr.write(`${editedLine(own[0]?.file ?? "")}\n`);
      return { ...loaded, source };
    },
  });
