/** What is done while the generator sends: faults at their times, and dashboards that listen. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { endProcess, sendSignal } from "../../../dev/faults/kinds/processes.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import { requestIn } from "../../k6/lib/ledger.ts";
import type { ActionName, PlannedAction } from "../experiments/experiment.ts";
import type { Sending } from "../generators/generator.ts";
import { connectListeners, type ListenerFigures } from "../listeners/listeners.ts";
import type { Arrangement } from "./arrangements.ts";
import type { Lab, Order } from "./run.ts";
import type { SystemUnderTest } from "./test-bed.ts";

const LOAD_BEGINS_WITHIN_MS = 180_000;

export type DuringLoad = {
  readonly injected: readonly InjectedFault[];
  readonly listening: ListenerFigures | null;
};

export const duringLoad = async (
  lab: Lab,
  { actions, sockets, setting, load: { seconds, warmUpSeconds } }: Order,
  system: SystemUnderTest,
  consoleFile: string,
  sending: Sending,
): Promise<DuringLoad> => {
  if (actions.length === 0 && sockets === null) return { injected: [], listening: null };
  const listeners = sockets === null ? null : await connectListeners(sockets, system);
  try {
    const begunMs = await loadBegins(consoleFile, sending, lab.signal);
    const startMs = begunMs + warmUpSeconds * 1_000;
    const acting = act(actions, { startMs, seconds }, system, setting.arrangement, lab.signal);
    const [injected, listening] = await Promise.all([
      acting.done,
      listeners?.listen(startMs, seconds) ?? null,
    ]);
    return { injected, listening };
  } finally {
    await listeners?.close();
  }
};

/** When the load began, including the warm-up: the line of the first measured request has it. */
const loadBegins = async (file: string, sending: Sending, signal: AbortSignal): Promise<number> => {
  let startMs: number | null = null;
  let hasEnded = false;
  sending.ended.then(
    () => {
      hasEnded = true;
    },
    () => {
      hasEnded = true;
    },
  );
  const sample = (): boolean => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    startMs = lines.map((line) => requestIn(line)?.startedAtMs ?? null).find((at) => at !== null) ?? null;
    return startMs !== null || hasEnded || signal.aborted;
  };
  await waitUntil("the measured time begins", sample, LOAD_BEGINS_WITHIN_MS);
  signal.throwIfAborted();
  if (startMs === null) throw new Error("the load ended before its measured time began");
  return startMs;
};

/** What the experimenter can do to a system while it is under load: a small table, by the names that experiments use. */

export type InjectedFault = {
  readonly what: ActionName;
  readonly fromMs: number;
  /** When it was repaired: the process was restarted, or continues. */
  readonly untilMs: number;
};

type Subject = {
  readonly system: SystemUnderTest;
  readonly arrangement: Arrangement;
  readonly lastsMs: number;
};

const programOf = (system: SystemUnderTest, kind: "api" | "worker") => {
  const program = kind === "api" ? system.api() : system.workers[0];
  if (!program) throw new Error(`there is no ${kind} to strike`);
  return { name: kind, pid: () => program.pid() || undefined, stop: program.stop };
};

/** Each resolves when what it broke is whole again. What is stopped for good says so in its name. */
const ACTIONS: Readonly<Record<ActionName, (subject: Subject) => Promise<void>>> = {
  "kill-worker": ({ system }) => endProcess(programOf(system, "worker"), "SIGKILL"),
  "kill-api": ({ system }) => endProcess(programOf(system, "api"), "SIGKILL"),
  "restart-backend": async ({ system, arrangement }) => {
    const server = arrangement.backend && system.servers[arrangement.backend];
    if (!server) throw new Error(`${arrangement.name} has no backend to restart`);
    await endProcess(server, "SIGKILL");
  },
  "pause-worker": async ({ system, lastsMs }) => {
    const pid = programOf(system, "worker").pid();
    sendSignal(pid, "SIGSTOP");
    await sleep(lastsMs);
    sendSignal(pid, "SIGCONT");
  },
  "stop-workers": async ({ system }) => {
    for (const worker of system.workers.splice(0)) await worker.stop();
  },
  "start-workers": async ({ system }) => {
    await system.startWorker();
  },
};

export type Acting = {
  /** Resolves when all is done that was planned, and whole again. */
  readonly done: Promise<readonly InjectedFault[]>;
};

/** At their times of the measured seconds, one after the other. Rejects when one cannot be done. */
export const act = (
  planned: readonly PlannedAction[],
  { startMs, seconds }: { readonly startMs: number; readonly seconds: number },
  system: SystemUnderTest,
  arrangement: Arrangement,
  signal: AbortSignal,
): Acting => {
  const spanMs = seconds * 1_000;
  const all = async (): Promise<InjectedFault[]> => {
    const injected: InjectedFault[] = [];
    for (const { do: what, at, lasts = 0 } of [...planned].sort((a, b) => a.at - b.at)) {
      const waitMs = startMs + at * spanMs - Date.now();
      await sleep(Math.max(0, waitMs), undefined, { signal });
      const fromMs = Date.now();
      await ACTIONS[what]({ system, arrangement, lastsMs: lasts * spanMs }).catch((error) => {
        throw new Error(`${what}: ${messageOf(error)}`);
      });
      injected.push({ what, fromMs, untilMs: Date.now() });
    }
    return injected;
  };
  const done = all();
  done.catch(() => undefined);
  return { done };
};
