import type { Command } from "./command.ts";
import { deadLetters } from "./dead-letters.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [deadLetters];
