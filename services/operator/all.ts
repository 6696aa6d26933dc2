import type { Command } from "./command.ts";
import { deadLetters } from "./dead-letters.ts";
import { reconcileCommand } from "./reconcile.ts";
import { retention } from "./retention.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [deadLetters, reconcileCommand, retention];
