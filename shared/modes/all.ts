import type { Mode } from "../ports.ts";
import { direct } from "./direct/mode.ts";
import { kafka } from "./kafka/mode.ts";
import { redisStreams } from "./redis-streams/mode.ts";

/** Every ingest mode. A new one is a folder beside this file and a line here. */
export const modes: readonly Mode[] = [direct, redisStreams, kafka];
