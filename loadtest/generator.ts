/**
 * What sends a load profile: k6, which the user installs (AGPL: the project neither fetches nor builds it), or the
 * project's own Node generator. Both take the same settings (README.md).
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** The major version of k6 whose API the scripts use; @types/k6 in package.json has the same one. */
export const K6_MAJOR = "2";
const NODE_MAIN = join(import.meta.dirname, "node", "main.ts");
const K6_MAIN = join(import.meta.dirname, "k6", "main.ts");

export type K6 = { readonly command: string; readonly version: string };

/** "k6 v2.2.0 (go1.26.8, linux/amd64)" → "2.2.0"; null for anything else. */
const versionIn = (text: string): string | null => /^k6 v(\d+\.\d+\.\d+\S*)/.exec(text)?.[1] ?? null;

/** `missing` is the reason why k6 of the supported major version was not found. */
export type FoundK6 = { readonly k6: K6 } | { readonly k6: null; readonly missing: string };

/** K6=/path, else k6 on the PATH. */
export const findK6 = async (environment: Readonly<Record<string, string | undefined>>): Promise<FoundK6> => {
  const command = environment["K6"] || "k6";
  const name = environment["K6"] ? `K6=${command}` : "k6 on the PATH";
  try {
    const { stdout } = await promisify(execFile)(command, ["version"], { env: environment });
    const version = versionIn(stdout);
    if (version?.split(".")[0] === K6_MAJOR) return { k6: { command, version } };
    return { k6: null, missing: `${name} is ${version ?? "another program"}, not version ${K6_MAJOR}` };
  } catch {
    return {
      k6: null,
      missing: environment["K6"] ? `${name} does not run` : `k6 ${K6_MAJOR} is not installed`,
    };
  }
};

export type Settings = Readonly<Record<string, string | number>>;
export type Command = { readonly command: string; readonly args: readonly string[] };

const assigned = (settings: Settings): string[] =>
  Object.entries(settings).map(([name, value]) => `${name}=${value}`);

/** `linesFile` gets the ledger and the samples. Without it k6 logs them, and the Node generator drops them. */
export const k6Command = (
  { command }: K6,
  settings: Settings,
  linesFile: string | null,
  flags: readonly string[],
): Command => ({
  command,
  args: [
    ...["run", "--no-usage-report", ...flags],
    ...(linesFile === null ? [] : [`--console-output=${linesFile}`, "--log-format=raw"]),
    ...assigned(settings).flatMap((each) => ["-e", each]),
    K6_MAIN,
  ],
});

/**
 * Objects of a request survive several collections of the young generation, and a small one is collected faster. At 13 000
 * requests a second on one core the p99 of the schedule lag was 4.2 ms with 2 MiB, and 22.7 ms with 64 MiB.
 */
const NODE_FLAGS = ["--max-semi-space-size=2", "--single-threaded-gc"];

/** `env` sets the environment variables and then executes the generator. */
export const nodeCommand = (settings: Settings, linesFile: string | null): Command => ({
  command: "env",
  args: [
    ...assigned({ ...settings, ...(linesFile !== null && { LINES: linesFile }) }),
    ...[process.execPath, ...NODE_FLAGS, NODE_MAIN],
  ],
});
