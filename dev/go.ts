/** Programs and modules by Go's own client, at a version that is named: installed once, into the cache folder. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "./system/servers/data-dir.ts";

export type GoProgram = {
  /** Of the file that it is kept as, before the version. */
  readonly name: string;
  readonly path: string;
  readonly version: string;
  /**
   * Of a module that has no releases, the checksum of this version, as in a go.sum: module proxies may report neither its
   * versions, which `go install` asks for, nor what the public checksum database knows.
   */
  readonly sum?: string;
};

/** With nothing in Go's caches, on two busy cores; the largest is helm. */
const INSTALL_WITHIN_MS = 600_000;
const ANSWER_WITHIN_MS = 20_000;
const MOST_OUTPUT_BYTES = 1_000_000;

const run = promisify(execFile);
// tests that run at the same time have deadlines: neither may starve
const politely = process.platform === "win32" ? [] : ["nice", "-n", "5"];

/** On the PATH, or where Go's own installer puts it without touching the PATH. */
export const findGo = async (): Promise<string | null> => {
  for (const command of ["go", "/usr/local/go/bin/go"])
    try {
      await run(command, ["version"], { timeout: ANSWER_WITHIN_MS });
      return command;
    } catch {
      // not there: the next place
    }
  return null;
};

const goOrThrow = async (what: string): Promise<string> => {
  const go = await findGo();
  if (go === null) throw new Error(`${what} comes by Go: install Go (https://go.dev/doc/install)`);
  return go;
};

const byGo = async (
  go: string,
  args: readonly string[],
  { env = {}, cwd = cacheFolder() }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> => {
  const [command = "", ...rest] = [...politely, go, ...args];
  const { stdout } = await run(command, rest, {
    env: { ...process.env, CGO_ENABLED: "0", ...env },
    timeout: INSTALL_WITHIN_MS,
    maxBuffer: MOST_OUTPUT_BYTES,
    cwd,
  });
  return stdout;
};

/** Puts the program into the folder's `bin`. */
const installed = async (go: string, { path, version }: GoProgram, folder: string): Promise<void> => {
  await byGo(go, ["install", "-trimpath", `${path}@${version}`], { env: { GOBIN: join(folder, "bin") } });
};

/** The same where the module stands in Go's cache, by its own go.sum, once it is what its checksum says. */
const built = async (go: string, { path, version, sum }: GoProgram, folder: string): Promise<void> => {
  const env = { GONOSUMDB: [process.env.GONOSUMDB, path].filter(Boolean).join(",") };
  const module = JSON.parse(await byGo(go, ["mod", "download", "-json", `${path}@${version}`], { env }));
  if (module.Sum !== sum) throw new Error(`${path}@${version} has the checksum ${module.Sum}, not ${sum}`);
  const file = join(folder, "bin", basename(path));
  await byGo(go, ["build", "-mod=readonly", "-trimpath", "-o", file, "."], { cwd: module.Dir });
};

/** Where the program is. `log` gets a line when it has to be installed first. */
export const goProgram = async (program: GoProgram, log: (line: string) => void): Promise<string> => {
  const { name, version } = program;
  const binary = join(cacheFolder(), `${name}-${version}`);
  if (existsSync(binary)) return binary;
  const go = await goOrThrow(name);
  log(`${name} ${version} is missing: installing it with Go (a minute or more, once)`);
  const partial = mkdtempSync(`${binary}-`);
  try {
    await (program.sum === undefined ? installed : built)(go, program, partial);
    const [file = ""] = readdirSync(join(partial, "bin"));
    renameSync(join(partial, "bin", file), binary);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return binary;
};

/** The folder of a module's files, as Go has verified and unpacked them. */
export const goModule = async (path: string, version: string): Promise<string> => {
  const output = await byGo(await goOrThrow(path), ["mod", "download", "-json", `${path}@${version}`]);
  return (JSON.parse(output) as { Dir: string }).Dir;
};
