/** Real servers and the product's programs, for one part of the benchmark. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "#shared/domain/random.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../../db/migrate.ts";
import { type HttpProgram, openPrograms, type Settings } from "../system/programs.ts";
import { addressesOf, type Servers, startServers, type Wanted } from "../system/servers/start.ts";
import type { Figure } from "./figure.ts";

export type Bench = {
  readonly rounds: number;
  readonly random: Random;
  /** Progress. */
  readonly tell: (line: string) => void;
};

/** A part measures a few figures that belong together, on servers of its own. */
export type Part = { readonly name: string; readonly measure: (bench: Bench) => Promise<readonly Figure[]> };

export type Ground = {
  /** Resolve when the program accepts orders, or answers. */
  startApi(env: Settings, file?: string): Promise<HttpProgram>;
  startWorker(mode: string, env?: Settings): Promise<HttpProgram>;
  readonly servers: Servers;
  /** Closed with the ground, before its servers. */
  readonly closers: ReturnType<typeof openClosers>;
};

/** Starts the servers, migrates the database, does the work and stops everything, however it ends. */
export const onGround = async <T>(
  wanted: Wanted,
  { tell }: Bench,
  work: (ground: Ground) => Promise<T>,
): Promise<T> => {
  const closers = openClosers();
  try {
    const folder = mkdtempSync(join(tmpdir(), "coffee-rt-bench-"));
    closers.add("logs", () => rmSync(folder, { recursive: true }));
    const servers = await startServers(wanted);
    for (const server of Object.values(servers)) closers.add(server.name, () => server.stop());
    if (servers.postgres) await migrate(servers.postgres.url, () => undefined);
    const programs = openPrograms({
      addresses: () => addressesOf(servers),
      env: { LOG_LEVEL: "warn" },
      ...{ folder, closers, onLine: tell },
    });
    const ready = async (program: HttpProgram): Promise<HttpProgram> => {
      await program.ready();
      return program;
    };
    return await work({
      ...{ servers, closers },
      startApi: async (env, file) => ready(await programs.startApi(env, file)),
      startWorker: async (mode, env) => ready(await programs.startWorker(mode, env)),
    });
  } finally {
    for (const failure of await closers.closeAll()) tell(failure.message);
  }
};
