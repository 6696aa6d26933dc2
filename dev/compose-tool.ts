// A real compose implementation: `docker compose` where it answers, else the loader that it is made of (compose-go),
// installed once by Go into the cache folder.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { findGo, type GoProgram, goProgram } from "./go.ts";

export type ComposeService = {
  readonly build?: { readonly dockerfile: string; readonly target?: string };
  readonly command?: readonly string[];
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
  /** Those that have a value; the others a program is not given. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Variables that are passed on from the caller's environment, when they are set there. */
  readonly handedOn?: readonly string[];
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string | number } } };
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly image?: string;
  readonly restart?: string;
  readonly ports?: readonly { readonly host_ip?: string; readonly target: number }[];
  readonly volumes?: readonly { readonly source?: string; readonly target: string }[];
};

export type ComposeTool = {
  readonly name: string;
  /** The services that `up` would start from these files, merged in their order; of `folder`, or the project's. Rejects when they are not valid. */
  services(files: readonly string[], folder?: string): Promise<Record<string, ComposeService>>;
};

/** With nothing in Go's caches, on two cores: 32 s while they are idle, 93 s while they are not. */
const COMPOSE_GO: GoProgram = {
  name: "compose-go",
  path: "github.com/compose-spec/compose-go/v2/cmd",
  version: "v2.16.2",
};
const ANSWER_WITHIN_MS = 20_000;

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/** Null where there is neither Docker's compose nor Go. Rejects when Go is there and could not install it. */
export const composeTool = async (log: (line: string) => void): Promise<ComposeTool | null> => {
  if (await answers("docker", ["compose", "version"])) {
    const command = (files: readonly string[]) => [
      "docker",
      "compose",
      ...named(files),
      "config",
      "--format",
      "json",
    ];
    return { name: "docker compose", services: (files, folder) => servicesBy(command(files), folder) };
  }
  if ((await findGo()) === null) return null;
  const binary = await goProgram(COMPOSE_GO, log);
  return {
    name: `compose-go ${COMPOSE_GO.version}`,
    services: (files, folder) => servicesBy([binary, "-format", "json", ...files], folder),
  };
};

const named = (files: readonly string[]): string[] => files.flatMap((file) => ["-f", file]);

const answers = async (command: string, args: readonly string[]): Promise<boolean> => {
  try {
    await run(command, args, { timeout: ANSWER_WITHIN_MS });
    return true;
  } catch {
    // not there, or there without this part: the caller has another way
    return false;
  }
};

type Written = Omit<ComposeService, "environment" | "handedOn"> & {
  readonly environment?: Readonly<Record<string, string | null>> | readonly string[];
  readonly profiles?: readonly string[];
};

/** What finds the tool and its engine. Nothing else of the caller's decides what the files say, nor does a .env. */
const bareEnvironment = (): Record<string, string> => ({
  ...Object.fromEntries(
    ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  COMPOSE_DISABLE_ENV_FILE: "1",
});

/** compose-go writes an environment as a list where it merged one, and keeps the services of profiles. */
const servicesBy = async (
  [command = "", ...args]: readonly string[],
  folder = root,
): Promise<Record<string, ComposeService>> => {
  const options = { cwd: folder, env: bareEnvironment(), timeout: ANSWER_WITHIN_MS };
  const { stdout } = await run(command, args, options);
  const { services } = JSON.parse(stdout) as { services: Record<string, Written> };
  const started = Object.entries(services).filter(([, { profiles = [] }]) => profiles.length === 0);
  return Object.fromEntries(
    started.map(([name, { environment = {}, ...service }]) => [name, { ...service, ...apart(environment) }]),
  );
};

/** `A=1` or `A: 1` is a value, `A` or `A: null` is handed on. */
const apart = (
  environment: NonNullable<Written["environment"]>,
): Required<Pick<ComposeService, "environment" | "handedOn">> => {
  const entries = Array.isArray(environment)
    ? environment.map((entry: string): [string, string | null] => {
        const [name = "", ...value] = entry.split("=");
        return [name, value.length === 0 ? null : value.join("=")];
      })
    : Object.entries(environment as Readonly<Record<string, string | null>>);
  return {
    environment: Object.fromEntries(
      entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    ),
    handedOn: entries.flatMap(([name, value]) => (value === null ? [name] : [])).sort(),
  };
};
