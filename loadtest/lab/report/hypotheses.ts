/**
 * What each experiment asks, and how its verdict is computed. The verdicts read these keys of `varied`: `rate`,
 * `ordersPerRequest`; `purpose` ("step", "bisect", "confirm": part of a search; "half": at half of the capacity; "peak":
 * closed loop; "pair": E0's comparison); `ceilingRate` of a search; `peak` (E3, times the base rate); `maxmemory` (E6);
 * `hertz` (E7); `workers` (E9); `waitMs` (E10); `share` of the capacity (E12). Reports show other keys as they are.
 */
import type { Suite } from "../run/results.ts";
import type { Verdict } from "./verdict.ts";
import * as verdicts from "./verdicts.ts";

export type Hypothesis = {
  readonly title: string;
  readonly hypothesis: string;
  readonly method: string;
  verdict(suite: Suite): Verdict;
  /** Further experiments whose runs the verdict reads. */
  readonly reads?: readonly string[];
  /** Ids of its pictures. SCALE.md shows the first one. */
  readonly pictures: readonly string[];
};

export const HYPOTHESES: Readonly<Record<string, Hypothesis>> = {
  E0: {
    title: "Null route",
    hypothesis:
      "The generator is not the limit. At the capacity of each mode it uses at most half of the 80 % of its cores that are allowed. Where k6 is installed, it measures the same reply time (p99) within 10 ms.",
    method:
      "The same API and validation without a backend, searched for the highest rate that the generator can send. Where k6 is installed, both generators send the same rate.",
    verdict: verdicts.generatorIsNoLimit,
    reads: ["E2"],
    pictures: ["ack-10", "ack-1"],
  },
  E1: {
    title: "Baseline",
    hypothesis: "At 50 orders/s every mode meets SLO-I, and v2 and v3 show an order within 300 ms (p99).",
    method: "50 orders/s to one mode at a time, on an empty database, at each durability.",
    verdict: verdicts.allAreFreshAtRest,
    pictures: ["points-e1"],
  },
  E2: {
    title: "Capacity",
    hypothesis:
      "Each step up carries more single orders: v2 more than v1 with group commit, v3 more than v2.",
    method:
      "The highest rate at which the objective holds: geometric steps, bisection to ±5 %, repeated confirmations. Single orders and ten per request.",
    verdict: verdicts.eachStepCarriesMore,
    pictures: ["ack-1", "freshness-1", "ack-10", "freshness-10"],
  },
  E3: {
    title: "Spike",
    hypothesis:
      "v2 and v3 accept a peak of ten times the load without refusing or losing an order, and count it within a minute.",
    method: "A base rate with peaks of 2, 5 and 10 times that rate.",
    verdict: verdicts.queuesTakePeaks,
    pictures: ["spike"],
  },
  E4: {
    title: "Soak",
    hypothesis: "Nothing drifts: reply time and memory of the last quarter are within 20 % of the second.",
    method: "A steady load that lasts for several autovacuums.",
    verdict: verdicts.nothingDrifts,
    pictures: ["soak"],
  },
  E5: {
    title: "Database stress",
    hypothesis: "v1 depends on group commit: with one INSERT per request it carries at most half.",
    method:
      "v1 with different connection pools, batch sizes, indexes and values of synchronous_commit, and with one INSERT per request.",
    verdict: verdicts.groupCommitPays,
    reads: ["E2"],
    pictures: ["points-e5"],
  },
  E6: {
    title: "Redis stress",
    hypothesis:
      "Redis refuses before it loses: at its memory limit orders are refused, and no acknowledged order is lost.",
    method: "v2 with different values of appendfsync and maxmemory, and with a paused worker.",
    verdict: verdicts.refusesBeforeLoss,
    pictures: ["points-e6"],
  },
  E7: {
    title: "WebSocket",
    hypothesis:
      "One process serves 10 000 clients within a second (p99), and slow clients delay the others by at most a quarter.",
    method: "A growing number of clients, all reading or with a share of slow ones.",
    verdict: verdicts.socketsScale,
    pictures: ["fan-out"],
  },
  E8: {
    title: "Failure injection",
    hypothesis:
      "When the worker, the API or the mode's backend dies, no acknowledged order is lost and none is counted twice.",
    method:
      "The worker, the API or the mode's backend is killed a fifth into the run, one of them per run. Then the audit.",
    verdict: verdicts.nothingIsLost,
    pictures: ["points-e8"],
  },
  E9: {
    title: "Scale-out",
    hypothesis: "Two workers carry at least 1.5 times as many orders as one.",
    method: "Different numbers of workers, partitions and stores.",
    verdict: verdicts.workersAddUp,
    pictures: ["points-e9"],
  },
  E10: {
    title: "Batching",
    hypothesis: "A batch that waits longer makes orders cheaper and less fresh.",
    method: "Different waiting times of a batch, and different acks.",
    verdict: verdicts.waitingPays,
    pictures: ["points-e10"],
  },
  E11: {
    title: "Payload",
    hypothesis:
      "With ten orders per request every mode carries at least five times as many orders as with single ones.",
    method: "1, 10, 100 and 1 000 orders per request.",
    verdict: verdicts.bulkPays,
    reads: ["E2"],
    pictures: ["points-e11"],
  },
  E12: {
    title: "Efficiency",
    hypothesis:
      "Load makes orders cheap: at the lowest share of its capacity every mode needs at least twice the CPU per order.",
    method: "CPU-seconds and memory at 10 to 100 % of the capacity of each mode.",
    verdict: verdicts.loadMakesCheap,
    pictures: ["cost-1", "cost-10"],
  },
  E13: {
    title: "Crossover",
    hypothesis:
      "Each mode has its range: the cheapest mode that meets SLO-I is v1 at low rates, then v2, then v3.",
    method: "Computed from the capacities of E2 and the costs of E2 and E12.",
    verdict: verdicts.eachHasItsRange,
    reads: ["E2", "E12"],
    pictures: ["crossover-1", "crossover-10"],
  },
};
