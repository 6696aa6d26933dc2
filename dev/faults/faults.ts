/** What a fault is, and every fault there is. */
import type { Random } from "#shared/domain/random.ts";
import type { Ledger } from "../system/account.ts";
import type { ClientOptions, Clients } from "./clients.ts";
import { badRequests } from "./kinds/bad-requests.ts";
import { clocks, eventTimes } from "./kinds/clocks.ts";
import { fullDisks, slowFsyncKillStream } from "./kinds/disks.ts";
import { keys } from "./kinds/keys.ts";
import { killsDuringWrites, networks } from "./kinds/networks.ts";
import { operations } from "./kinds/operations.ts";
import { poison } from "./kinds/poison.ts";
import { flushBoard, killPostgresLazyCommit, kills, pauses } from "./kinds/processes.ts";
import { readOnlyBackends } from "./kinds/read-only.ts";
import { redeliveries } from "./kinds/redeliveries.ts";
import { rivals } from "./kinds/rivals.ts";
import type { FaultySystem, Setup } from "./system.ts";

export type Scene = {
  readonly system: FaultySystem;
  readonly clients: Clients;
  readonly random: Random;
  /** For orders that a fault sends in its own way. */
  readonly ledger: Ledger;
  /** What the audit has to find besides the orders; a fault that causes it counts it here. */
  readonly expected: { deadLetters: number; conflicts: number };
};

/** Data, and one function that breaks something and ends when it is repaired. */
export type Fault = {
  /** Stable: commands, results and SCALE.md use it. */
  readonly name: string;
  /** The modes it applies to; all when absent. */
  readonly modes?: readonly string[];
  readonly setup?: Setup;
  readonly clients?: Partial<Pick<ClientOptions, "requestsPerSecond" | "timestamp">>;
  /** Resolves when nothing is broken any more, and the system may recover. */
  readonly strike: (scene: Scene) => Promise<void>;
  /** From the end of `strike` until clients and dashboards are served as promised again. */
  readonly recoverWithinSeconds: number;
};

export const faults: readonly Fault[] = [
  ...kills,
  killPostgresLazyCommit,
  ...pauses,
  ...networks,
  flushBoard,
  slowFsyncKillStream,
  ...fullDisks,
  ...clocks,
  ...eventTimes,
  ...readOnlyBackends,
  ...killsDuringWrites,
  ...rivals,
  ...redeliveries,
  poison,
  ...operations,
  badRequests,
  ...keys,
];

export const faultsOf = (mode: string): readonly Fault[] =>
  faults.filter(({ modes }) => modes === undefined || modes.includes(mode));

/** Throws when there is none of this name. */
export const faultNamed = (name: string): Fault => {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`there is no fault "${name}"`);
  return fault;
};
