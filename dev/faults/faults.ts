/** Every fault there is. */
import type { Fault } from "./fault.ts";
import { flushBoard } from "./kinds/data.ts";
import { machine } from "./kinds/machine.ts";
import { networks } from "./kinds/networks.ts";
import { endings, pauses } from "./kinds/processes.ts";

export const faults: readonly Fault[] = [...endings, ...pauses, ...networks, flushBoard, ...machine];

export const faultsOf = (mode: string): readonly Fault[] =>
  faults.filter(({ modes }) => modes === undefined || modes.includes(mode));
