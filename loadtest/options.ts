/** The command line of `npm run load`. */
import { profiles } from "./profiles/all.ts";

export const USAGE = `npm run load -- --mode v2 --profile spike [k6's own flags]

  --mode v1|v2|v3     which ingest mode                                   (v1)
  --profile NAME      what load; one of those below                       (baseline)
  --url http://…      where the system is       (the one that npm start runs, else http://127.0.0.1:8005)
  --rate N            requests a second, instead of the profile's own
  --seconds N         how long, instead of the profile's own
  -e NAME=value       any other setting: loadtest/README.md

${profiles.map(({ name, description }) => `  ${name.padEnd(14)} ${description}`).join("\n")}

Everything else goes to k6: --out csv=run.csv.gz, --quiet, --tag, …`;

/** What our options are called in the script's environment. */
const VARIABLES: Readonly<Record<string, string>> = {
  mode: "MODE",
  profile: "PROFILE",
  url: "BASE_URL",
  rate: "RATE",
  seconds: "DURATION",
};

export type LoadOptions = {
  readonly help: boolean;
  /** Arguments of `k6 run`. */
  readonly flags: readonly string[];
  readonly hasUrl: boolean;
};

/** Throws an Error that says what an option lacks. */
export const loadOptionsFrom = (args: readonly string[]): LoadOptions => {
  const flags: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    const [, name = "", inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const variable = VARIABLES[name];
    if (variable === undefined) {
      flags.push(argument);
      continue;
    }
    const value = inline ?? args[++index];
    if (value === undefined || value === "") throw new Error(`--${name} needs a value`);
    flags.push("-e", `${variable}=${value}`);
  }
  return {
    help: args.includes("--help"),
    flags,
    hasUrl: flags.some((flag) => flag.startsWith("BASE_URL=")),
  };
};
