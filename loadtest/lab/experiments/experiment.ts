/**
 * What an experiment is: data. Title and hypothesis are in report/hypotheses.ts; here is what is run. The experimenter lays out the same kinds of points for all, so that no experiment has code of its own.
 */
import type { MeasureName } from "../measures/measures.ts";
import type { GeneratorName, Scale } from "../run/results.ts";

/** Variables of the product's programs, by name. */
export type Variables = Readonly<Record<string, string>>;

/**
 * Requests a second: so many; or as a share of the orders a second that this arrangement's search found (E2), in requests
 * of this point's size.
 */
export type Rate = number | { readonly ofCapacity: number };

export type Load = {
  /** Of loadtest/k6/profiles; `constant` without. */
  readonly profile?: string;
  /** Without one the rate is the result of the point's `measure`. */
  readonly rate?: Rate;
  readonly ordersPerRequest?: number;
  /** The scale's, without. */
  readonly seconds?: number;
  readonly warmUpSeconds?: number;
};

/** What is done in the measured time, by actions.ts. */
export type ActionName =
  | "kill-worker"
  | "kill-api"
  | "restart-backend"
  | "pause-worker"
  | "stop-workers"
  | "start-workers";
export type PlannedAction = {
  readonly do: ActionName;
  /** A share of the measured time. */
  readonly at: number;
  /** How long a pause lasts, as a share of the measured time. */
  readonly lasts?: number;
};

export type Point = {
  /** An arrangement's name. */
  readonly arrangement: string;
  /** Distinguishes it from the experiment's other points of this arrangement: "synchronous_commit off". */
  readonly name: string;
  readonly varied: Readonly<Record<string, number | string>>;
  readonly load: Load;
  /** The Node generator by default. A point for k6 is left out where k6 is not installed. */
  readonly generator?: GeneratorName;
  /** What is measured instead of an open loop at a rate: the run's rate is then a result. */
  readonly measure?: MeasureName;
  readonly settings?: Variables;
  /** The servers' own settings, by their names. */
  readonly servers?: Partial<Readonly<Record<"postgres" | "board" | "stream" | "kafka", Variables>>>;
  /** 1 by default. With 0 nothing is counted during a closed loop; one worker then counts everything for the audit. */
  readonly workers?: number;
  /** Processes of the order API, and of wrk in a closed loop; 1 by default. */
  readonly apis?: number;
  readonly generators?: number;
  /** Repeated while it is void, even when its rate failed: only valid runs make a benchmark. */
  readonly needsValidRun?: boolean;
  /** Stores of the catalogue besides the probes' own; the usual four without. */
  readonly stores?: number;
  /** SQL for the fresh database, before any program. */
  readonly prepare?: string;
  readonly actions?: readonly PlannedAction[];
  /** Dashboards held open by clients that only listen. */
  readonly sockets?: { readonly clients: number; readonly slowShare: number };
  readonly repetitions?: number;
};

/** A search for capacity (capacity.ts). */
export type Search = {
  readonly arrangement: string;
  readonly ordersPerRequest: number;
};

export type Experiment = {
  readonly id: string;
  /** Of an experiment without a hypothesis. */
  readonly title?: string;
  /** The question it answers. */
  readonly question: string;
  /** Experiments whose results its rates are taken from: they come before it. */
  readonly after?: readonly string[];
  readonly searches?: (scale: Scale) => readonly Search[];
  readonly points?: (scale: Scale) => readonly Point[];
  /** What the scale turned down, in words; none at `full`. */
  readonly turnedDown?: (scale: Scale) => readonly string[];
};
