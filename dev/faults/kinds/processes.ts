/** Processes that are killed, stopped or paused, and servers that lose what was only in memory. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ServerName, serverNames } from "#shared/servers.ts";
import { withDatabase, withRedis } from "../../system/database.ts";
import type { Program } from "../../system/programs.ts";
import type { Server } from "../../system/servers/server.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import { type ProgramKind, whereUsed } from "../system.ts";

const RESTARTED_WITHIN_MS = 60_000;

export const sendSignal = (pid: number | undefined, signal: NodeJS.Signals): void => {
  if (pid === undefined) throw new Error("the process does not run");
  process.kill(pid, signal);
};

/**
 * Sends the signal, and resolves when the program or server runs again as another process. `signalled` is called as soon
 * as the signal is sent.
 */
export const endProcess = async (
  { name, pid }: Pick<Program | Server, "name" | "pid">,
  signal: NodeJS.Signals,
  signalled: () => void = () => undefined,
): Promise<void> => {
  const before = pid();
  sendSignal(before, signal);
  signalled();
  // `pid` of a server that is down throws, of a program it is undefined
  const isRestarted = (): boolean => ![undefined, before].includes(pid());
  await waitUntil(`${name} runs again`, isRestarted, RESTARTED_WITHIN_MS);
};

/** SIGTERM makes PostgreSQL wait for its clients for ever; compose sends SIGINT, a "fast" shutdown. */
export const stopSignalOf = (name: ServerName): NodeJS.Signals =>
  name === "postgres" ? "SIGINT" : "SIGTERM";

export const programOf = ({ system, random }: Scene, kind: ProgramKind): Program =>
  random.pick(kind === "api" ? system.apis : system.workers);

export const kills: readonly Fault[] = [
  ...(["api", "worker"] as const).flatMap((kind) =>
    (["SIGKILL", "SIGTERM"] as const).map((signal) => ({
      name: `${signal === "SIGKILL" ? "kill" : "stop"}-${kind}`,
      strike: (scene: Scene) => endProcess(programOf(scene, kind), signal),
      recoverWithinSeconds: 20,
    })),
  ),
  ...serverNames.flatMap((name) =>
    (["kill", "stop"] as const).map((how) => ({
      name: `${how}-${name}`,
      ...whereUsed(name),
      strike: ({ system }: Scene) =>
        endProcess(system.server(name), how === "kill" ? "SIGKILL" : stopSignalOf(name)),
      recoverWithinSeconds: 30,
    })),
  ),
];

const pauseWorker = async (scene: Scene, seconds: number): Promise<void> => {
  const pid = programOf(scene, "worker").pid();
  sendSignal(pid, "SIGSTOP");
  await sleep(seconds * 1_000);
  sendSignal(pid, "SIGCONT");
};

const pauseServer = async ({ system }: Scene, name: ServerName, seconds: number): Promise<void> => {
  const server = system.server(name);
  await server.pause();
  await sleep(seconds * 1_000);
  await server.resume();
};

/** 5 s, and longer than the times after which other processes take over and requests are given up. */
export const pauses: readonly Fault[] = [5, 40].flatMap((seconds) => [
  {
    name: `pause-worker-${seconds}s`,
    strike: (scene: Scene) => pauseWorker(scene, seconds),
    recoverWithinSeconds: 30,
  },
  ...serverNames.map((name) => ({
    name: `pause-${name}-${seconds}s`,
    ...whereUsed(name),
    strike: (scene: Scene) => pauseServer(scene, name, seconds),
    recoverWithinSeconds: 30,
  })),
]);

export const flushBoard: Fault = {
  name: "flush-board",
  strike: async ({ system }) => {
    await withRedis(system.addresses.board, (board) => board.flushall());
  },
  recoverWithinSeconds: 15,
};

/**
 * With these only the WAL writer flushes the WAL, every 10 s: kill -9 of all processes loses what was committed since.
 * It flushes first right after a start, so the second kill is certainly in the middle of its pause.
 */
const RARE_FLUSHES = {
  wal_writer_delay: "10s",
  wal_writer_flush_after: "1GB",
  // writing a page flushes the WAL up to its last change
  bgwriter_lru_maxpages: "0",
};
const BETWEEN_KILLS_MS = 4_000;

const disableSynchronousCommit = (databaseUrl: string): Promise<unknown> =>
  withDatabase(databaseUrl, (pool) => pool.query("ALTER ROLE CURRENT_USER SET synchronous_commit = off"));

/**
 * PostgreSQL where sessions do not wait for the WAL by default: it answers a commit that is only in memory. The product
 * sets synchronous_commit for its sessions, so that a default of the role loses nothing.
 */
export const killPostgresLazyCommit: Fault = {
  name: "kill-postgres-lazy-commit",
  setup: { servers: { postgres: { settings: RARE_FLUSHES } }, prepareDatabase: disableSynchronousCommit },
  strike: async ({ system }) => {
    const postgres = system.server("postgres");
    await postgres.kill();
    await postgres.start();
    await sleep(BETWEEN_KILLS_MS);
    await postgres.kill();
    await postgres.start();
  },
  recoverWithinSeconds: 30,
};
