/** The kinds of measurement whose result is the rate that was reached, by the names that points have. */
import type { Place } from "../judge/record.ts";
import type { Run } from "../run/results.ts";
import type { Lab, Order } from "../run/run.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { bareCopy, bareInsert } from "./bare-postgres.ts";
import { closedLoop, socketLoop } from "./closed-loop.ts";
import { backlog, drain } from "./drain.ts";
import { fanOut } from "./fan-out/fan-out.ts";
import { overload } from "./overload/overload.ts";
import { type Rated, rateRun } from "./rate-run.ts";

const MEASURES = {
  "closed-loop": closedLoop,
  "socket-loop": socketLoop,
  insert: bareInsert,
  copy: bareCopy,
  drain,
  backlog,
  "fan-out": fanOut(false),
  "bare-fan-out": fanOut(true),
  overload,
} as const satisfies Readonly<
  Record<string, (lab: Lab, order: Order, system: SystemUnderTest) => Promise<Rated>>
>;

export type MeasureName = keyof typeof MEASURES;

export const measureRate = (name: MeasureName, lab: Lab, order: Order, place: Place): Promise<Run> =>
  rateRun(lab, order, place, (system) => MEASURES[name](lab, order, system));
