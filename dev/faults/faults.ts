/** Every fault there is. */
import type { Fault } from "./fault.ts";
import { flushBoard, repetitions } from "./kinds/data.ts";
import { networks } from "./kinds/networks.ts";
import { endings, pauses } from "./kinds/processes.ts";

export const faults: readonly Fault[] = [...endings, ...pauses, ...networks, flushBoard, ...repetitions];

export const faultsOf = (mode: string): readonly Fault[] =>
  faults.filter(({ modes }) => modes === undefined || modes.includes(mode));
