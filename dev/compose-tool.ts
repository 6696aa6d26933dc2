// A real compose implementation: `docker compose` where it answers, else the loader that it is made of (compose-go),
// installed once by Go into the cache folder.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "./servers/data-dir.ts";

export type ComposeService = {
  readonly build?: { readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly ports?: readonly { readonly host_ip?: string; readonly target: number }[];
  readonly volumes?: readonly { readonly source?: string; readonly target: string }[];
};

export type ComposeTool = {
  readonly name: string;
  /** The services that `up` would start from these files, merged in their order. Rejects when they are not valid. */
  services(files: readonly string[]): Promise<Record<string, ComposeService>>;
};

const VERSION = "v2.16.2";
const MODULE = `github.com/compose-spec/compose-go/v2/cmd@${VERSION}`;
/** With nothing in Go's caches, on two cores: 32 s while they are idle, 93 s while they are not. */
const INSTALL_WITHIN_MS = 300_000;
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
    return { name: "docker compose", services: (files) => servicesBy(command(files)) };
  }
  const go = await findGo();
  if (go === null) return null;
  const binary = join(cacheFolder(), `compose-go-${VERSION}`);
  if (!existsSync(binary)) await install(go, binary, log);
  return {
    name: `compose-go ${VERSION}`,
    services: (files) => servicesBy([binary, "-format", "json", ...files]),
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

/** On the PATH, or where Go's own installer puts it without touching the PATH. */
const findGo = async (): Promise<string | null> => {
  for (const command of ["go", "/usr/local/go/bin/go"])
    if (await answers(command, ["version"])) return command;
  return null;
};

const install = async (go: string, binary: string, log: (line: string) => void): Promise<void> => {
  log("a compose tool is missing: installing compose-go with Go (about a minute, once)");
  const partial = mkdtempSync(`${binary}-`);
  // the tests beside it have deadlines; it must not starve either
  const polite = process.platform === "win32" ? [] : ["nice", "-n", "5"];
  const [command = "", ...args] = [...polite, go, "install", "-trimpath", MODULE];
  const env = { ...process.env, GOBIN: partial, CGO_ENABLED: "0" };
  try {
    await run(command, args, { cwd: partial, env, timeout: INSTALL_WITHIN_MS });
    renameSync(join(partial, process.platform === "win32" ? "cmd.exe" : "cmd"), binary);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

type Written = Omit<ComposeService, "environment"> & {
  readonly environment?: Readonly<Record<string, string>> | readonly string[];
  readonly profiles?: readonly string[];
};

/** compose-go writes an environment as a list where it merged one, and keeps the services of profiles. */
const servicesBy = async ([command = "", ...args]: readonly string[]): Promise<
  Record<string, ComposeService>
> => {
  const env = { ...process.env, COMPOSE_FILE: "", COMPOSE_PROFILES: "" };
  const { stdout } = await run(command, args, { cwd: root, env, timeout: ANSWER_WITHIN_MS });
  const { services } = JSON.parse(stdout) as { services: Record<string, Written> };
  const started = Object.entries(services).filter(([, { profiles = [] }]) => profiles.length === 0);
  return Object.fromEntries(
    started.map(([name, service]) => [name, { ...service, environment: byName(service.environment ?? {}) }]),
  );
};

const byName = (
  environment: Readonly<Record<string, string>> | readonly string[],
): Readonly<Record<string, string>> => {
  if (!Array.isArray(environment)) return environment as Readonly<Record<string, string>>;
  return Object.fromEntries(
    environment.map((entry: string) => [
      entry.slice(0, entry.indexOf("=")),
      entry.slice(entry.indexOf("=") + 1),
    ]),
  );
};
