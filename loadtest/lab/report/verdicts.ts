/**
 * What each experiment asks, and how its answer is computed. Of `varied` these names are read: `rate` and
 * `ordersPerRequest`; `purpose` ("step", "bisect", "confirm": a search's point, as `nextStep` says; "half": at half of
 * capacity) and `ceilingRate` (of a search); `peak` (E3, times the base rate); `workers` (E9); `waitMs` (E10, how long a
 * batch waits to fill); `share` (E12, of capacity). Whatever else is varied stands beside a figure as it is named.
 */
import type { Suite } from "../run/results.ts";
import type { Verdict } from "./verdict.ts";
import {
  bulkPays,
  eachHasItsRange,
  eachStepCarriesMore,
  generatorIsNoLimit,
  groupCommitPays,
  workersAddUp,
} from "./verdicts-of-rates.ts";
import {
  allAreFreshAtRest,
  loadMakesCheap,
  nothingDrifts,
  nothingIsLost,
  queuesTakePeaks,
  refusesBeforeLoss,
  socketsScale,
  waitingPays,
} from "./verdicts-of-runs.ts";

export type Hypothesis = {
  readonly title: string;
  readonly hypothesis: string;
  readonly done: string;
  verdict(suite: Suite): Verdict;
  /** Experiments beside its own whose runs answer it. */
  readonly reads?: readonly string[];
  /** Pictures that belong to it, by the beginning of their id. */
  readonly pictures: readonly string[];
};

export const HYPOTHESES: Readonly<Record<string, Hypothesis>> = {
  E0: {
    title: "Null",
    hypothesis:
      "The generator is not the limit: at what each mode carries it takes at most half of the 80 % of its cores that it may, and k6, where it is installed, measures the same reply time (p99) within 10 ms.",
    done: "The same API and validation without a backend, searched for what the generator can send; where k6 is installed, one rate by both.",
    verdict: generatorIsNoLimit,
    reads: ["E2"],
    pictures: [],
  },
  E1: {
    title: "Baseline",
    hypothesis: "At 50 orders/s every mode meets SLO-I, and v2 and v3 show an order within 300 ms (p99).",
    done: "50 orders/s, a mode at a time, on fresh data, at each durability.",
    verdict: allAreFreshAtRest,
    pictures: [],
  },
  E2: {
    title: "Capacity",
    hypothesis:
      "Each step up carries more single orders: v2 more than v1 with group commit, v3 more than v2.",
    done: "The highest rate at which the objective holds: steps, bisection to ±5 %, confirmations. Single orders and ten per request.",
    verdict: eachStepCarriesMore,
    pictures: ["ack-", "freshness-"],
  },
  E3: {
    title: "Spike",
    hypothesis:
      "v2 and v3 take a peak of ten times the load without refusing or losing an order, and have counted it within a minute.",
    done: "A base rate with peaks of 2, 5 and 10 times.",
    verdict: queuesTakePeaks,
    pictures: ["spike"],
  },
  E4: {
    title: "Soak",
    hypothesis: "Nothing drifts: reply time and memory of the last quarter are within 20 % of the second.",
    done: "A steady load past several autovacuums.",
    verdict: nothingDrifts,
    pictures: ["soak"],
  },
  E5: {
    title: "Database stress",
    hypothesis: "Group commit makes v1 what it is: one INSERT per request carries at most half.",
    done: "v1 with its pool, batch, indexes and synchronous_commit varied, and with one INSERT per request.",
    verdict: groupCommitPays,
    reads: ["E2"],
    pictures: [],
  },
  E6: {
    title: "Redis stress",
    hypothesis:
      "Redis says no before it loses: at its bounds orders are refused, and none that was acknowledged is lost.",
    done: "v2 with appendfsync and maxmemory varied, and with a paused worker.",
    verdict: refusesBeforeLoss,
    pictures: [],
  },
  E7: {
    title: "WebSocket",
    hypothesis:
      "One process serves 10 000 watchers within a second (p99), and slow ones cost the others at most a quarter.",
    done: "More and more clients, all reading, and with some that do not.",
    verdict: socketsScale,
    pictures: ["fan-out"],
  },
  E8: {
    title: "Failure injection",
    hypothesis:
      "Whether worker, API or the mode's backend dies, no acknowledged order is lost and none is counted twice.",
    done: "Worker, API or the mode's own backend killed a fifth into the run, one a run; then the audit.",
    verdict: nothingIsLost,
    pictures: [],
  },
  E9: {
    title: "Scale-out",
    hypothesis: "Two workers carry at least 1.5 times what one does.",
    done: "Workers, partitions and number of stores varied.",
    verdict: workersAddUp,
    pictures: [],
  },
  E10: {
    title: "Batching",
    hypothesis: "A batch that waits longer makes orders cheaper and less fresh.",
    done: "How long orders wait for each other, and acks, varied.",
    verdict: waitingPays,
    pictures: [],
  },
  E11: {
    title: "Payload",
    hypothesis: "Ten orders per request carry at least five times the orders of single ones, in every mode.",
    done: "1, 10, 100 and 1 000 orders per request.",
    verdict: bulkPays,
    reads: ["E2"],
    pictures: [],
  },
  E12: {
    title: "Efficiency",
    hypothesis:
      "Load makes orders cheap: one at the least share of capacity costs at least twice one at the greatest, in every mode.",
    done: "From 10 to 100 % of the capacity that was found for each mode: CPU-seconds and memory.",
    verdict: loadMakesCheap,
    pictures: ["cost-"],
  },
  E13: {
    title: "Crossover",
    hypothesis: "Each mode has its range: the cheapest that meets SLO-I is first v1, then v2, then v3.",
    done: "From the capacities of E2 and the costs of E2 and E12.",
    verdict: eachHasItsRange,
    reads: ["E2", "E12"],
    pictures: ["crossover-"],
  },
};
