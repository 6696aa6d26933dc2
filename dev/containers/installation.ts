/** An installation by the compose files with its own project name, images and ports. It does not affect other installations. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { freePort } from "../system/servers/ports.ts";
import { waitUntil } from "../system/wait.ts";

export const NAME = "coffee-rt-check";
export const IMAGES = { COFFEE_IMAGE: NAME, DASHBOARD_IMAGE: `${NAME}-dashboard` };

const root = join(import.meta.dirname, "../..");
/** A build from nothing, over a slow line. */
const WITHIN_MS = 1_200_000;
const PUBLISHED_WITHIN_MS = 30_000;
const MOST_OUTPUT_BYTES = 50_000_000;

const run = promisify(execFile);

/** Resolves with what it prints. Rejects with the end of what it says when its status is not 0. */
export const docker = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  folder = root,
): Promise<string> => {
  const options = {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: WITHIN_MS,
    maxBuffer: MOST_OUTPUT_BYTES,
  };
  try {
    return (await run("docker", [...args], options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-LINES_OF_AN_ERROR).join("\n");
    throw new Error(`docker ${args.join(" ")}: ${said || String(error)}`);
  }
};
const LINES_OF_AN_ERROR = 20;

export type Container = { readonly service: string; readonly state: string; readonly exitCode: number };

export type Installation = {
  readonly apiUrl: string;
  readonly pageUrl: string;
  readonly prometheusUrl: string;
  readonly databaseUrl: string;
  /** `docker compose` with its files. */
  compose(...args: readonly string[]): Promise<string>;
  /** Resolves when all containers answer. */
  up(...args: readonly string[]): Promise<void>;
  /** Every container, those that have ended too. `state` is its health where it has a health check. */
  containers(): Promise<readonly Container[]>;
};

export type InstallationOptions = {
  readonly modes: readonly string[];
  readonly profile?: "observe";
  /** As which user our programs run; the image's own by default. */
  readonly user?: string;
  /** Whose compose files these are; this checkout's by default. */
  readonly folder?: string;
  readonly images?: Readonly<Record<string, string>>;
};

type Listed = {
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
};

/** What `docker compose ps --format json` prints: an object a line, or, before version 2.21, one list. */
export const containersIn = (text: string): Container[] => {
  const listed = text.trim().startsWith("[")
    ? (JSON.parse(text) as Listed[])
    : text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Listed);
  return listed.map(({ Service: service, State, Health, ExitCode: exitCode }) => ({
    service,
    state: Health || State,
    exitCode,
  }));
};

/** Removes all of it afterwards, its data too. Every installation has the same name: one at a time. */
export const withInstallation = async <T>(
  options: InstallationOptions,
  act: (installation: Installation) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-containers-"));
  const installation = openInstallation(options, folder);
  const remove = (): Promise<string> => installation.compose("down", "--volumes", "--remove-orphans");
  try {
    // what a run that was interrupted has left
    await remove();
    return await act(installation);
  } finally {
    await remove();
    rmSync(folder, { recursive: true, force: true });
  }
};

const ports = {
  api: await freePort(),
  page: await freePort(),
  prometheus: await freePort(),
  grafana: await freePort(),
  database: await freePort(),
};

const openInstallation = (
  { modes, profile, user, folder = root, images = IMAGES }: InstallationOptions,
  temporary: string,
): Installation => {
  const ours = ["order-api", "migrations", ...modes.map((mode) => `worker-${mode}`)];
  const added = join(temporary, "added.yaml");
  const services = {
    // for the audit, which reads the tables
    postgres: { ports: [`127.0.0.1:${ports.database}:5432`] },
    ...(user !== undefined && Object.fromEntries(ours.map((name) => [name, { user }]))),
  };
  writeFileSync(added, stringify({ services }));
  const overlays = modes.map((mode) => `docker-compose.${mode}.yaml`);
  const files = ["docker-compose.base.yaml", ...overlays, added].flatMap((file) => ["-f", file]);
  const chosen = ["compose", "--project-name", NAME, ...files];
  if (profile !== undefined) chosen.push("--profile", profile);
  const env = {
    ...images,
    API_PORT: String(ports.api),
    DASHBOARD_PORT: String(ports.page),
    PROMETHEUS_PORT: String(ports.prometheus),
    GRAFANA_PORT: String(ports.grafana),
    COMPOSE_DISABLE_ENV_FILE: "1",
    // whatever the shell has
    ...{ POSTGRES_PASSWORD: "coffee", ACCESS: "open" },
  };
  const compose = (...args: readonly string[]): Promise<string> => docker([...chosen, ...args], env, folder);
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  return {
    apiUrl,
    pageUrl: `http://127.0.0.1:${ports.page}`,
    prometheusUrl: `http://127.0.0.1:${ports.prometheus}`,
    databaseUrl: `postgres://coffee:coffee@127.0.0.1:${ports.database}/coffee`,
    compose,
    up: async (...args) => {
      await compose("up", "--detach", "--wait", "--no-build", ...args);
      const published = async (): Promise<boolean> => (await fetch(`${apiUrl}/livez`)).ok;
      await waitUntil(`the API answers at its published port, ${apiUrl}`, published, PUBLISHED_WITHIN_MS);
    },
    containers: async () => containersIn(await compose("ps", "--all", "--format", "json")),
  };
};
