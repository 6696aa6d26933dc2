/** Networks between a program and a server that are cut, silent, one-way, forgotten or slow, and kills meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { serverNames } from "#shared/servers.ts";
import type { Disturbance } from "../../system/tcp-proxy.ts";
import type { Fault } from "../faults.ts";
import { modesOn, whereUsed } from "../system.ts";
import { endProcess } from "./processes.ts";

const DISTURBED_MS = 3_000;
/** A worker waits this long for PostgreSQL before it opens another connection. */
const STATEMENT_TIMEOUT = { STATEMENT_TIMEOUT_MS: "10000" };

const DISTURBANCES: readonly (readonly [name: string, Disturbance])[] = [
  ["cut", "cut"],
  ["half-open", "silent"],
  ["replies-lost", "replies-lost"],
  ["forgotten", "forgotten"],
  ["slow", { delayMs: 200, jitterMs: 200 }],
];

export const networks: readonly Fault[] = serverNames.flatMap((name) =>
  (["api", "worker"] as const).flatMap((kind) =>
    DISTURBANCES.map(
      ([how, disturbance]): Fault => ({
        name: `net-${kind}-${name}-${how}`,
        ...whereUsed(name),
        setup: { hasProxies: true, env: STATEMENT_TIMEOUT },
        strike: async ({ system }) => {
          const proxy = system.proxy(kind, name);
          proxy.disturb(disturbance);
          await sleep(DISTURBED_MS);
          proxy.disturb("none");
        },
        recoverWithinSeconds: 30,
      }),
    ),
  ),
);

/** Long enough for orders to be pending at the moment of the kill. */
const DELAY_MS = 300;
const FILL_MS = 1_500;
/** Short enough for a request that arrives meanwhile to be answered in time. */
const LOST_MS = 400;
const LOST_TIMES = 10;

/** What is acknowledged too early is lost here. */
export const killsDuringWrites: readonly Fault[] = [
  {
    name: "kill-api-writing",
    setup: { hasProxies: true },
    strike: async ({ system, random }) => {
      const proxy = system.proxy("api", system.backend);
      proxy.disturb({ delayMs: DELAY_MS, jitterMs: 0 });
      await sleep(FILL_MS);
      await endProcess(random.pick(system.apis), "SIGKILL");
      proxy.disturb("none");
    },
    recoverWithinSeconds: 30,
  },
  {
    name: "kill-workers-counting",
    setup: { hasProxies: true },
    // the batch under way is answered; after FILL_MS each worker certainly waits with its next batch
    strike: async ({ system }) => {
      const proxy = system.proxy("worker", "postgres");
      proxy.disturb("requests-lost");
      await sleep(FILL_MS);
      const ended = system.workers.map((worker) => endProcess(worker, "SIGKILL"));
      proxy.disturb("none");
      await Promise.all(ended);
    },
    // Kafka waits 10 s for killed members, and then the new ones join: 23 s on two busy cores
    recoverWithinSeconds: 40,
  },
  {
    name: "net-api-kafka-replies-flicker",
    modes: modesOn("kafka"),
    // one partition: records that the broker takes for repetitions have to be in the same one
    setup: { hasProxies: true, env: { V3_PARTITIONS: "1" } },
    strike: async ({ system }) => {
      const proxy = system.proxy("api", "kafka");
      for (let time = 0; time < LOST_TIMES; time++) {
        proxy.disturb("replies-lost");
        await sleep(LOST_MS);
        proxy.disturb("none");
        await sleep(2 * LOST_MS);
      }
    },
    recoverWithinSeconds: 30,
  },
];
