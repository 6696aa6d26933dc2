import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** Seconds from accept to reply: 1 ms to the 2 s within which every request is decided. */
export const ACK_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Seconds from accept to the dashboard: up to the 65 s of the relaxed objective and beyond. */
export const FRESHNESS_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 65, 300];
/** Seconds to publish a board: 50 ms are the aim with 10 000 stores. */
export const PUBLISH_BUCKETS_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5];
export const BATCH_BUCKETS_ORDERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** A registry with the process' and event loop's metrics and `coffee_build_info`. */
export const openRegistry = (program: string, version: string): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "coffee_build_info",
    help: "1, with the version of the program in its labels",
    labelNames: ["program", "version", "node"],
    registers: [registry],
  }).set({ program, version, node: process.version }, 1);
  return registry;
};

/** Keeps a label's values few: the first `most` names as they are, every other one `other`. */
export const boundedLabel = (names: readonly string[], most: number): ((name: string) => string) => {
  const kept = new Set(names.slice(0, most));
  return (name) => (kept.has(name) ? name : "other");
};
