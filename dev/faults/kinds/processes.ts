/** Processes that end or stand still. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "../../system/programs.ts";
import type { Server } from "../../system/servers/server.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../fault.ts";
import { type ProgramKind, SERVERS, type ServerName } from "../wiring.ts";

const RUNS_AGAIN_MS = 60_000;

export const kill = (pid: number | undefined, signal: NodeJS.Signals): void => {
  if (pid === undefined) throw new Error("it does not run");
  process.kill(pid, signal);
};

const isOther = (pid: () => number | undefined, before: number | undefined): boolean => {
  try {
    const now = pid();
    return now !== undefined && now !== before;
  } catch {
    // a server that is down has no pid
    return false;
  }
};

/** Until what ended runs again as another process; `ended` is called as soon as it was signalled. */
export const end = async (
  { name, pid }: Pick<Program, "name" | "pid"> | Server,
  signal: NodeJS.Signals,
  ended: () => void = () => undefined,
): Promise<void> => {
  const before = pid();
  kill(before, signal);
  ended();
  await waitUntil(`${name} runs again`, () => isOther(pid, before), RUNS_AGAIN_MS);
};

/** A "smart" shutdown (SIGTERM) would wait for its clients for ever: compose sends SIGINT, "fast". */
export const stopSignalOf = (name: ServerName): NodeJS.Signals =>
  name === "postgres" ? "SIGINT" : "SIGTERM";

export const programOf = ({ ground, random }: Scene, kind: ProgramKind): Program =>
  random.pick(kind === "api" ? ground.apis : ground.workers);

export const endings: readonly Fault[] = [
  ...(["api", "worker"] as const).flatMap((kind) =>
    (["SIGKILL", "SIGTERM"] as const).map((signal) => ({
      name: `${signal === "SIGKILL" ? "kill" : "stop"}-${kind}`,
      strike: (scene: Scene) => end(programOf(scene, kind), signal),
      recoverWithinSeconds: 20,
    })),
  ),
  ...SERVERS.flatMap(({ name, modes }) =>
    (["kill", "stop"] as const).map((how) => ({
      name: `${how}-${name}`,
      ...(modes && { modes }),
      strike: ({ ground }: Scene) =>
        end(ground.server(name), how === "kill" ? "SIGKILL" : stopSignalOf(name)),
      recoverWithinSeconds: 30,
    })),
  ),
];

const pause = async (scene: Scene, what: "worker" | ServerName, seconds: number): Promise<void> => {
  if (what === "worker") {
    const pid = programOf(scene, "worker").pid();
    kill(pid, "SIGSTOP");
    await sleep(seconds * 1_000);
    kill(pid, "SIGCONT");
  } else {
    const server = scene.ground.server(what);
    server.pause();
    await sleep(seconds * 1_000);
    server.resume();
  }
};

/** Five seconds, and longer than the times after which others take over and requests are given up. */
export const pauses: readonly Fault[] = [5, 40].flatMap((seconds) => [
  {
    name: `pause-worker-${seconds}s`,
    strike: (scene: Scene) => pause(scene, "worker", seconds),
    recoverWithinSeconds: 30,
  },
  ...SERVERS.map(({ name, modes }) => ({
    name: `pause-${name}-${seconds}s`,
    ...(modes && { modes }),
    strike: (scene: Scene) => pause(scene, name, seconds),
    recoverWithinSeconds: 30,
  })),
]);
