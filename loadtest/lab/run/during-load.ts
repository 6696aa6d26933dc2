/** What is done while the generator sends: faults at their times, and dashboards that listen. */
import { existsSync, readFileSync } from "node:fs";
import { waitUntil } from "../../../dev/system/wait.ts";
import { requestIn } from "../../lib/sample-lines.ts";
import type { Sending } from "../generators/generator.ts";
import { gather, type Heard } from "../generators/listeners.ts";
import { act, type Struck } from "./actions.ts";
import type { Lab, Order } from "./run.ts";
import type { Scene } from "./stage.ts";

const LOAD_BEGINS_WITHIN_MS = 180_000;

export type Beside = { readonly struck: readonly Struck[]; readonly heard: Heard | null };

export const beside = async (
  lab: Lab,
  { actions, sockets, setting, load: { seconds, warmUpSeconds } }: Order,
  scene: Scene,
  consoleFile: string,
  sending: Sending,
): Promise<Beside> => {
  if (actions.length === 0 && sockets === null) return { struck: [], heard: null };
  const crowd = sockets === null ? null : await gather(sockets, scene);
  try {
    const begunMs = await loadBegins(consoleFile, sending, lab.signal);
    const startMs = begunMs + warmUpSeconds * 1_000;
    const acting = act(actions, { startMs, seconds }, scene, setting.arrangement, lab.signal);
    const [struck, heard] = await Promise.all([acting.done, crowd?.listen(startMs, seconds) ?? null]);
    return { struck, heard };
  } finally {
    await crowd?.close();
  }
};

/** When the load began, warm-up and all, as the first measured request tells. */
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
  const look = (): boolean => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    startMs = lines.map((line) => requestIn(line)?.startedAtMs ?? null).find((at) => at !== null) ?? null;
    return startMs !== null || hasEnded || signal.aborted;
  };
  await waitUntil("the measured time begins", look, LOAD_BEGINS_WITHIN_MS);
  signal.throwIfAborted();
  if (startMs === null) throw new Error("the load ended before its measured time began");
  return startMs;
};
