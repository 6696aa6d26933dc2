/** The command line of `npm run load`, and the choice of the generator. */
import { type Command, type FoundK6, K6_MAJOR, k6Command, nodeCommand, type Settings } from "./generator.ts";
import { settingsFrom } from "./k6/lib/settings.ts";
import { profileNamed, profiles } from "./k6/profiles/all.ts";

export const USAGE = `npm run load -- --mode v2 --profile spike [k6's own flags]

  --mode v1|v2|v3       which ingest mode                                   (v1)
  --profile NAME        which load; the list is below                       (baseline)
  --url http://…        where the system is       (the one that npm start runs, else http://127.0.0.1:8005)
  --rate N              requests a second, instead of the profile's own
  --seconds N           how long, instead of the profile's own
  --summary FILE        writes the summary as JSON
  --lines FILE          writes the ledger: a line for each request that was not acknowledged
  --generator node|k6   what sends it: the project's own client, or k6 ${K6_MAJOR}   (k6 where K6=/path or the PATH has it)
  -e NAME=value         any other setting: loadtest/README.md

${profiles.map(({ name, description }) => `  ${name.padEnd(14)} ${description}`).join("\n")}

Everything else goes to k6: --out csv=run.csv.gz, --quiet, --tag, …`;

/** The setting of each option. */
const VARIABLES: Readonly<Record<string, string>> = {
  mode: "MODE",
  // as other commands call it, which take several
  modes: "MODE",
  profile: "PROFILE",
  url: "BASE_URL",
  rate: "RATE",
  seconds: "DURATION",
  summary: "SUMMARY",
};
const OPTIONS = Object.keys(VARIABLES).filter((name) => name !== "modes");
const GENERATORS = ["node", "k6"] as const;

export type LoadOptions = {
  readonly help: boolean;
  /** Null uses k6 where it is installed. */
  readonly generator: (typeof GENERATORS)[number] | null;
  readonly settings: Settings;
  readonly linesFile: string | null;
  /** Further arguments of `k6 run`. */
  readonly k6Flags: readonly string[];
};

/**
 * Checks all that needs neither a generator nor a system: nothing is installed or started for a mistyped option. Throws an
 * Error that names the option.
 */
export const checkOptions = (args: readonly string[], environment: Settings | NodeJS.ProcessEnv): void => {
  const { help, generator, settings, k6Flags } = loadOptionsFrom(args);
  if (help) return;
  const given = Object.entries({ ...environment, ...settings }).map(([name, value]) => [name, String(value)]);
  profileNamed(settingsFrom(Object.fromEntries(given), Date.now()).profile);
  const [flag] = k6Flags;
  if (generator === "node" && flag !== undefined) throw new Error(unknownOption(flag));
};

/** Throws an Error that names the wrong option. */
export const loadOptionsFrom = (args: readonly string[]): LoadOptions => {
  const settings: Record<string, string> = {};
  const k6Flags: string[] = [];
  let generator: LoadOptions["generator"] = null;
  let linesFile: string | null = null;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    const [, name = "", inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const value = (): string => {
      const given = inline ?? args[++index];
      if (given === undefined || given === "") throw new Error(`${argument.split("=")[0]} needs a value`);
      return given;
    };
    const variable = VARIABLES[name];
    if (variable !== undefined) settings[variable] = value();
    else if (argument === "-e" || name === "env") Object.assign(settings, settingIn(value()));
    else if (name === "lines") linesFile = value();
    else if (name === "generator") generator = generatorIn(value());
    else if (argument !== "--help") k6Flags.push(argument);
  }
  return { help: args.includes("--help"), generator, settings, linesFile, k6Flags };
};

const settingIn = (text: string): Settings => {
  const [, name, value] = /^([A-Z_0-9]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error(`-e expects NAME=value, got "${text}"`);
  return { [name]: value };
};

const generatorIn = (text: string): (typeof GENERATORS)[number] => {
  const known = GENERATORS.find((name) => name === text);
  if (known === undefined) throw new Error(`--generator is "${text}": expected ${GENERATORS.join(" or ")}`);
  return known;
};

/** A mistyped option, one that npm took (`--` was missing), or one of k6. */
const unknownOption = (flag: string): string =>
  `${flag} is not an option of the project's own client: expected npm run load -- --${OPTIONS.join(", --")}, or --help`;

const INSTALL = `install k6 ${K6_MAJOR} (https://grafana.com/docs/k6/latest/set-up/install-k6), or set K6=/path/to/k6`;

/** The generator's command line, and a note for the user. Throws where k6 is needed and missing. */
export const chosen = (
  { generator, settings, linesFile, k6Flags }: LoadOptions,
  found: FoundK6,
): { readonly command: Command; readonly note: string } => {
  const [flag] = k6Flags;
  const command = nodeCommand(settings, linesFile);
  if (generator === "node") {
    if (flag !== undefined) throw new Error(unknownOption(flag));
    return { command, note: "sending by the project's own client" };
  }
  if (found.k6 !== null)
    return {
      command: k6Command(found.k6, settings, linesFile, k6Flags),
      note: `sending by k6 ${found.k6.version}`,
    };
  if (generator === "k6") throw new Error(`${found.missing}: ${INSTALL}, or leave out --generator k6`);
  if (flag !== undefined) throw new Error(`${unknownOption(flag)}. For an option of k6: ${INSTALL}`);
  return { command, note: `${found.missing}: the project's own client sends the same profile` };
};
