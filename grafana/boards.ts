import type { Board } from "./board.ts";
import { ingest } from "./boards/ingest.ts";
import { kafka } from "./boards/kafka.ts";
import { lab } from "./boards/lab.ts";
import { node } from "./boards/node.ts";
import { overview } from "./boards/overview.ts";
import { pipeline } from "./boards/pipeline.ts";
import { postgres } from "./boards/postgres.ts";
import { redis } from "./boards/redis.ts";
import { websocket } from "./boards/websocket.ts";

export const boards: readonly Board[] = [
  overview,
  ingest,
  pipeline,
  postgres,
  redis,
  kafka,
  node,
  websocket,
  lab,
];
