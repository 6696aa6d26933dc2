/** From an experiment's data to runs that can be made: rates, names, settings. */

import type { ObjectiveName } from "../judge/objectives.ts";
import { type Arrangement, arrangementNamed } from "../run/arrangements.ts";
import type { Run, Scale } from "../run/results.ts";
import type { Order } from "../run/run.ts";
import type { Point, Rate } from "./experiment.ts";

/** Orders per second that an arrangement carries in requests of this size; null while unknown. */
export type CapacityOf = (arrangement: string, ordersPerRequest: number) => number | null;

export type Planned = {
  readonly order: Order;
  readonly name: string;
  readonly varied: Run["varied"];
};

export const sizeOf = ({ load }: Point): number => load.ordersPerRequest ?? 1;

/** "v2 10-order 480/s", and "sync off" between where there is more to say. */
export const nameOf = (
  { name: arrangement }: Pick<Arrangement, "name">,
  name: string,
  size: number,
  rate: number,
): string => [arrangement, name, `${size}-order`, `${rate}/s`].filter((part) => part !== "").join(" ");

/** Whole requests per second above ten. */
export const roundedRate = (rate: number): number =>
  rate >= 10 ? Math.round(rate) : Math.max(0.1, Number(rate.toFixed(1)));

/** Requests per second; throws a sentence where it is a share of what is not known. */
export const rateOf = (
  rate: Rate | undefined,
  size: number,
  arrangement: string,
  capacityOf: CapacityOf,
): number => {
  // a measured rate replaces it
  if (rate === undefined) return 0;
  if (typeof rate === "number") return rate;
  const capacity = capacityOf(arrangement, size);
  if (capacity === null)
    throw new Error(`the capacity of ${arrangement} is unknown: run E2 in this suite first`);
  return roundedRate((capacity * rate.ofCapacity) / size);
};

export const planned = (point: Point, scale: Scale, seed: number, capacityOf: CapacityOf): Planned => {
  const arrangement = arrangementNamed(point.arrangement);
  const times = TIMES[scale];
  const size = sizeOf(point);
  const rate = rateOf(point.load.rate, size, arrangement.name, capacityOf);
  return {
    name: nameOf(arrangement, point.name, size, rate),
    varied: { rate, ordersPerRequest: size, ...point.varied },
    order: {
      setting: {
        arrangement,
        settings: point.settings ?? {},
        servers: point.servers ?? {},
        workers: point.workers ?? 1,
        apis: point.apis,
        generators: point.generators,
        stores: point.stores,
        prepare: point.prepare,
      },
      load: {
        profile: point.load.profile ?? "constant",
        generator: point.generator ?? "node",
        isPatient: (point.load.profile ?? "constant") !== "constant" || (point.actions ?? []).length > 0,
        requestsPerSecond: rate,
        ordersPerRequest: size,
        warmUpSeconds: point.load.warmUpSeconds ?? times.warmUpSeconds,
        seconds: point.load.seconds ?? times.seconds,
        probesPerSecond: arrangement.mode === null ? 0 : times.probesPerSecond,
        seed,
        run: 0,
        runStartMs: 0,
      },
      actions: point.actions ?? [],
      sockets: point.sockets ?? null,
    },
  };
};

/** How long things take at each scale, and what that turned down. */

export type Times = {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Of the closed-loop generator. */
  readonly peakSeconds: number;
  readonly probesPerSecond: number;
};

/** A hundred probes are the fewest of which a 99th percentile is one of them. */
export const TIMES: Readonly<Record<Scale, Times>> = {
  smoke: { warmUpSeconds: 3, seconds: 10, peakSeconds: 5, probesPerSecond: 20 },
  standard: { warmUpSeconds: 10, seconds: 30, peakSeconds: 10, probesPerSecond: 10 },
  full: { warmUpSeconds: 30, seconds: 120, peakSeconds: 30, probesPerSecond: 10 },
};

export const SCALES = Object.keys(TIMES) as Scale[];

/** Beyond warm-up and measured time, until a suite has measured it itself: start, drain, audit. */
export const OVERHEAD_SECONDS = 7;

/** Against `full`. What single experiments turned down, they say themselves. */
export const turnedDownBy = (scale: Scale): string[] => {
  if (scale === "full") return [];
  const [own, full] = [TIMES[scale], TIMES.full];
  return [
    `runs of ${own.warmUpSeconds} s warm-up and ${own.seconds} s instead of ${full.warmUpSeconds} s and ${full.seconds} s`,
    scale === "smoke"
      ? "capacity at SLO-I to ±10 % instead of ±5 %, by one confirmation instead of five, in steps of 2 instead of 1.46; at SLO-R as those runs show it, unconfirmed"
      : "capacity at SLO-I by three confirmations instead of five, at SLO-R by one",
  ];
};

/** What bounds a search for capacity, at each scale. */

export type SearchSettings = {
  readonly startRate: number;
  /** Below it nothing is tried: a mode that fails there has no capacity to speak of. */
  readonly floorRate: number;
  /** Above it nothing is tried: what the generator can send. */
  readonly ceilingRate: number;
  /** Of the geometric steps. */
  readonly factor: number;
  /** The search ends when the failing rate is at most this many times the one that holds. */
  readonly resolution: number;
  /** Runs in addition to the search's own, because the search stopped at a run that held. 0 adds none. */
  readonly confirmations: Readonly<Record<ObjectiveName, number>>;
};

/** Ten percent apart is ±5 % around their middle. */
const RESOLUTION: Readonly<Record<Scale, number>> = { smoke: 1.2, standard: 1.1, full: 1.1 };
/** Two bisections of a step this wide leave less than 1.1; of one of 1.5 they leave a little more, and a third is needed. */
const FACTOR = 1.46;

const ONE = { interactive: 1, relaxed: 1 };
const FIVE = { interactive: 5, relaxed: 5 };
const STRICT = { interactive: 1, relaxed: 0 };
const CONFIRMATIONS = { smoke: STRICT, standard: { interactive: 3, relaxed: 1 }, full: FIVE } as const;
/** Of the null route, where it is the generator that is searched: it need be known to send twice what a mode takes. */
const NULL_CONFIRMATIONS = { smoke: STRICT, standard: ONE, full: FIVE } as const;
const NULL_RESOLUTION: Readonly<Record<Scale, number>> = { smoke: 2, standard: 1.5, full: 1.1 };

export const settingsFor = (
  scale: Scale,
  startRate: number,
  ceilingRate: number,
  isNull = false,
): SearchSettings => ({
  startRate,
  floorRate: 1,
  ceilingRate,
  factor: scale === "smoke" ? 2 : FACTOR,
  resolution: (isNull ? NULL_RESOLUTION : RESOLUTION)[scale],
  confirmations: (isNull ? NULL_CONFIRMATIONS : CONFIRMATIONS)[scale],
});
