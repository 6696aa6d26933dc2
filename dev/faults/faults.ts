/** Every fault there is. */
import type { Fault } from "./fault.ts";
import { hugeBodies } from "./kinds/bodies.ts";
import { changes } from "./kinds/changes.ts";
import { flushBoard, repetitions } from "./kinds/data.ts";
import { inFlight } from "./kinds/in-flight.ts";
import { keys } from "./kinds/keys.ts";
import { killPostgresLazyCommit } from "./kinds/lazy-commit.ts";
import { machine } from "./kinds/machine.ts";
import { networks } from "./kinds/networks.ts";
import { poison } from "./kinds/poison.ts";
import { endings, pauses } from "./kinds/processes.ts";
import { refusing } from "./kinds/refusing.ts";
import { rivals } from "./kinds/rivals.ts";

export const faults: readonly Fault[] = [
  ...endings,
  killPostgresLazyCommit,
  ...pauses,
  ...networks,
  flushBoard,
  ...machine,
  ...refusing,
  ...inFlight,
  ...rivals,
  ...repetitions,
  poison,
  ...changes,
  hugeBodies,
  ...keys,
];

export const faultsOf = (mode: string): readonly Fault[] =>
  faults.filter(({ modes }) => modes === undefined || modes.includes(mode));
