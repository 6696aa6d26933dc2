import type { Command } from "./command.ts";
import { retention } from "./retention.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [retention];
