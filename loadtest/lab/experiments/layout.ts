/** From an experiment's data to runs that can be made: rates, names, settings. */
import type { Arrangement } from "../run/arrangements.ts";
import { arrangementNamed } from "../run/arrangements.ts";
import type { Run, Scale } from "../run/results.ts";
import type { Order } from "../run/run.ts";
import { type Point, type Rate, SEARCHES } from "./experiment.ts";
import { TIMES } from "./scales.ts";

/** Orders a second that an arrangement carries in requests of this size; null while nobody knows. */
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

/** Whole requests a second above ten: nobody asks for parts of them. */
export const roundedRate = (rate: number): number =>
  rate >= 10 ? Math.round(rate) : Math.max(0.1, Number(rate.toFixed(1)));

/** Requests per second; throws a sentence where it is a share of what is not known. */
export const rateOf = (rate: Rate, size: number, arrangement: string, capacityOf: CapacityOf): number => {
  if (typeof rate === "number") return rate;
  const capacity = capacityOf(arrangement, size);
  if (capacity === null)
    throw new Error(`nobody knows yet what ${arrangement} carries: run E2 in this suite first`);
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
        stores: point.stores,
        prepare: point.prepare,
      },
      load: {
        profile: point.load.profile ?? "constant",
        generator: point.generator ?? (typeof point.load.rate === "number" ? "k6" : SEARCHES),
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
