/** What a load profile is: data. How it becomes k6's options stands in ../lib/scenarios.ts. */
import type { Customers } from "../lib/orders.ts";

/**
 * To `factor` times the run's base rate, linearly from where the stage before it ended; a stage of 0 seconds is a jump.
 */
export type Stage = { readonly seconds: number; readonly factor: number };

/** Arrivals at a rate, whatever becomes of earlier ones. */
export type Arrivals = {
  readonly name: ArrivalsName;
  readonly sends: "orders" | "dashboards";
  readonly customers: Customers;
  /** Of the profile's rate, in requests. */
  readonly share: number;
};

/** They stand in every order's id (lib/ids.ts), so a number is never given to another one. */
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
  /** For people: what it shows. */
  readonly description: string;
  /** Requests a second that all factors are multiples of; RATE overrides it. */
  readonly perSecond: number;
  /** The factor at the beginning. */
  readonly from: number;
  readonly stages: readonly Stage[];
  readonly arrivals: readonly Arrivals[];
  /** WebSockets that are held open beside it; WATCHERS overrides it. */
  readonly watchers: number;
  /** Ends the run when an objective is missed: the load has found the limit. */
  readonly stopsAtLimit: boolean;
};

/** Single orders of anybody, nothing beside them. */
export const ORDERS_ALONE: readonly Arrivals[] = [
  { name: "orders", sends: "orders", customers: "anybody", share: 1 },
];

/** For `seconds` at one factor, from one moment to the next. */
export const held = (factor: number, seconds: number): readonly Stage[] => [
  { seconds: 0, factor },
  { seconds, factor },
];
