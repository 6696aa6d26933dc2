/** What is on its way gets lost, or its answer does: what was promised too early is not there. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "../fault.ts";
import { end } from "./processes.ts";

/** Orders that wait at the moment of the kill, at any rate. */
const DELAY_MS = 300;
const FILL_MS = 1_500;
/** So short that a request which comes meanwhile is still answered in time. */
const LOST_MS = 400;
const LOST_TIMES = 10;

export const inFlight: readonly Fault[] = [
  {
    name: "kill-api-writing",
    ground: { isWired: true },
    strike: async ({ ground, random }) => {
      const wire = ground.wire("api", ground.backend);
      wire.disturb({ delayMs: DELAY_MS, jitterMs: 0 });
      await sleep(FILL_MS);
      await end(random.pick(ground.apis), "SIGKILL");
      wire.disturb("none");
    },
    recoverWithinSeconds: 30,
  },
  {
    name: "kill-workers-counting",
    ground: { isWired: true },
    // what is under way ends as it would; each then has its next batch in hand, for certain
    strike: async ({ ground }) => {
      const wire = ground.wire("worker", "postgres");
      wire.disturb("requests-lost");
      await sleep(FILL_MS);
      const ended = ground.workers.map((worker) => end(worker, "SIGKILL"));
      wire.disturb("none");
      await Promise.all(ended);
    },
    // Kafka waits 10 s for members that are gone, and the new ones then find together: 23 s on two busy cores
    recoverWithinSeconds: 40,
  },
  {
    name: "net-api-kafka-replies-flicker",
    modes: ["v3"],
    // one partition: what is taken for a repetition has to meet what it is taken for
    ground: { isWired: true, env: { V3_PARTITIONS: "1" } },
    strike: async ({ ground }) => {
      const wire = ground.wire("api", "kafka");
      for (let time = 0; time < LOST_TIMES; time++) {
        wire.disturb("replies-lost");
        await sleep(LOST_MS);
        wire.disturb("none");
        await sleep(2 * LOST_MS);
      }
    },
    recoverWithinSeconds: 30,
  },
];
