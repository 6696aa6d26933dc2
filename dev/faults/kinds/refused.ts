/** How orders are answered while the backend of their mode answers and refuses writes. */

import { waitUntil } from "../../system/wait.ts";
import { post } from "../clients.ts";
import type { Scene } from "../fault.ts";

export const REFUSED_WITHIN_MS = 20_000;
/** A refusal is decided within 2 s; a busy machine needs more time for the reply. */
const DECIDED_WITHIN_MS = 2_500;

/** The status of the reply to one order. The same order is then sent until it is acknowledged. */
const answerNow = async ({ ground, clients, random }: Scene): Promise<number> => {
  const order = clients.order();
  const signal = AbortSignal.timeout(DECIDED_WITHIN_MS);
  try {
    return (await post(random.pick(ground.urls), ground.mode, [order], true, signal)).status;
  } finally {
    // the ledger has to know of the order, whatever its outcome
    void clients.send([order]);
  }
};

/** Waits for a refusal. Throws when an order is answered with anything but 2xx or 503, or not in time. */
export const untilRefused = async (scene: Scene, during: string): Promise<void> => {
  let status = 0;
  const isRefused = async (): Promise<boolean> => {
    // 0: no reply in time, which is no refusal
    status = await answerNow(scene).catch(() => 0);
    return status === 0 || status >= 400;
  };
  await waitUntil(`orders are refused while ${during}`, isRefused, REFUSED_WITHIN_MS);
  if (status !== 503) throw new Error(`an order is answered with ${status} while ${during}`);
};
