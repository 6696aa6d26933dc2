/** What a load profile is: data. ../lib/plan.ts makes a run's plan of it. */
import type { Customers } from "../lib/orders.ts";

/** To `factor` times the run's base rate, linearly from where the previous stage ended; a stage of 0 seconds is a jump. */
export type Stage = { readonly seconds: number; readonly factor: number };

/** Arrivals at a rate, however long earlier ones take. */
export type Arrivals = {
  readonly name: ArrivalsName;
  readonly sends: "orders" | "dashboards";
  readonly customers: Customers;
  /** Of the profile's rate, in requests. */
  readonly share: number;
};

/** They are part of every order's id (lib/ids.ts), so a number is never reused. */
export const SCENARIO_NUMBERS = {
  orders: 1,
  regulars: 2,
  lovers: 3,
  app: 4,
  probe: 5,
  readers: 6,
  watchers: 7,
} as const;
export type ScenarioName = keyof typeof SCENARIO_NUMBERS;
export type ArrivalsName = Exclude<ScenarioName, "probe" | "watchers">;

export type Profile = {
  readonly name: string;
  /** For `npm run load -- --help`: what it shows. */
  readonly description: string;
  /** Requests a second that all factors are multiples of; RATE overrides it. */
  readonly perSecond: number;
  /** The factor at the start. */
  readonly from: number;
  readonly stages: readonly Stage[];
  readonly arrivals: readonly Arrivals[];
  /** WebSockets held open meanwhile; WATCHERS overrides it. */
  readonly watchers: number;
  /** Ends the run when an objective is missed: the load has found the limit. */
  readonly stopsAtLimit: boolean;
};
