import type { Mode } from "../ports.ts";
import { direct } from "./direct/mode.ts";
import { kafka } from "./kafka/mode.ts";
import { redisStreams } from "./redis-streams/mode.ts";

/** Every ingest mode. A new one is a folder next to this file and a line here. */
export const modes: readonly Mode[] = [direct, redisStreams, kafka];

/** Throws a sentence that lists the modes. */
export const modeNamed = (name: string): Mode => {
  const found = modes.find((mode) => mode.name === name);
  if (found !== undefined) return found;
  throw new Error(`unknown mode "${name}": expected one of ${modes.map((mode) => mode.name).join(", ")}`);
};
