/** What the machine under the programs does: its disks, its clocks. */
import type { Fault } from "../fault.ts";
import { clocks } from "./clock.ts";
import { eventTimes } from "./event-times.ts";
import { fullDisks } from "./full-disk.ts";
import { slowFsyncKillStream } from "./slow-fsync.ts";

export const machine: readonly Fault[] = [slowFsyncKillStream, ...fullDisks, ...clocks, ...eventTimes];
