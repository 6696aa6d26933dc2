/**
 * AsyncAPI 3.0: the WebSockets of the dashboard and of orders, and the messages from the API to the workers. Made from shared/wire; the
 * committed copy is docs/asyncapi.json.
 */

import { kafkaKnobs } from "#shared/modes/kafka/mode.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import {
  dashboardReply,
  LIVE_PROTOCOL,
  liveDelta,
  liveHeartbeat,
  liveResync,
  liveSnapshot,
} from "#shared/wire/dashboard.ts";
import {
  dashboardExample,
  liveExamples,
  ORDER_ID,
  orderMessageExample,
  socketExamples,
} from "#shared/wire/examples.ts";
import { orderMessage } from "#shared/wire/order-message.ts";
import { ORDERS_PROTOCOL, orderResults, socketOrder } from "#shared/wire/order-socket.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { componentsOf, published } from "./schemas.ts";

type Message = {
  readonly title: string;
  readonly summary: string;
  readonly payload: object;
  readonly example: unknown;
  readonly more?: object;
};

/** Frames of the dashboard's WebSocket. A new one is added here, and to `SENT` or `RECEIVED`. */
const FRAMES = {
  dashboard: {
    title: "The whole dashboard",
    summary:
      "Without a subprotocol: at once, then on every change (at most once a second), and at least every 10 s",
    payload: dashboardReply,
    example: dashboardExample,
  },
  snapshot: {
    title: "A snapshot",
    summary: `Of the subprotocol ${LIVE_PROTOCOL}: at once, and whenever a client has missed something`,
    payload: liveSnapshot,
    example: liveExamples.snapshot,
  },
  delta: {
    title: "What changed",
    summary: `Of the subprotocol ${LIVE_PROTOCOL}: up to ten times a second`,
    payload: liveDelta,
    example: liveExamples.delta,
  },
  heartbeat: {
    title: "A heartbeat",
    summary: `Of the subprotocol ${LIVE_PROTOCOL}: every second`,
    payload: liveHeartbeat,
    example: liveExamples.heartbeat,
  },
  resync: {
    title: "A client has missed a frame",
    summary: `Of the subprotocol ${LIVE_PROTOCOL}: asks for a snapshot`,
    payload: liveResync,
    example: liveExamples.resync,
  },
} as const satisfies Record<string, Message>;

/** Frames that the API sends, and those that a client may send. */
const SENT: readonly (keyof typeof FRAMES)[] = ["dashboard", "snapshot", "delta", "heartbeat"];
const RECEIVED: readonly (keyof typeof FRAMES)[] = ["resync"];

const ORDER_FRAMES = {
  order: {
    title: "An order",
    summary: "A text frame of at most 4 096 bytes; the next one can be sent before its result",
    payload: socketOrder,
    example: socketExamples.order,
  },
  results: {
    title: "Results of orders",
    summary: "One for each order as soon as it is decided, so not in the order in which they were sent",
    payload: orderResults,
    example: socketExamples.results,
  },
} as const satisfies Record<string, Message>;

const STREAM_ENTRY: Message = {
  title: "Orders that were written together",
  summary: "Fields of a stream entry; each is a text",
  payload: {
    type: "object",
    required: ["orders", "n", "total"],
    properties: {
      orders: {
        type: "string",
        contentMediaType: "application/json",
        contentSchema: { type: "array", items: orderMessage },
        description: "the JSON text of an array of orders",
      },
      n: { type: "string", pattern: "^[0-9]+$", description: "the number of orders" },
      total: {
        type: "string",
        pattern: "^[0-9]+$",
        description: "orders ever added, including these: lag is a difference of totals",
      },
    },
  },
  example: { orders: JSON.stringify([orderMessageExample]), n: "1", total: "1" },
};

const TOPIC_RECORD: Message = {
  title: "One order",
  summary: "A record's value, in JSON; its key is the order's id; partitions are filled in turn",
  payload: orderMessage,
  example: orderMessageExample,
  more: { bindings: { kafka: { key: { type: "string", format: "uuid", examples: [ORDER_ID] } } } },
};

const messageOf = (name: string, { title, summary, payload, example, more }: Message): object => ({
  name,
  title,
  summary,
  contentType: "application/json",
  payload: published(payload),
  examples: [{ name: "example", payload: example }],
  ...more,
});

const messagesOf = (frames: Readonly<Record<string, Message>>): object =>
  Object.fromEntries(Object.entries(frames).map(([name, frame]) => [name, messageOf(name, frame)]));

const inChannel = (channel: string, names: readonly string[]): object[] =>
  names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));

/** The default of a setting. */
const nameOf = (knob: object): string | null =>
  "default" in knob && typeof knob.default === "string" ? knob.default : null;

const CHANNELS = {
  dashboard: {
    address: "/ws/dashboard",
    title: "The dashboard as it changes",
    description:
      "Ping every 15 s. A slow client gets only the latest state. Origins other than the API's own and the allowed ones are rejected with 403, connections beyond MAX_SOCKETS with 503, before the upgrade.",
    messages: messagesOf(FRAMES),
    bindings: {
      ws: {
        method: "GET",
        query: {
          type: "object",
          properties: { mode: { type: "string", description: "an enabled ingest mode, or all" } },
        },
      },
    },
  },
  orders: {
    address: "/ws/orders/{mode}",
    title: "Orders of a client that sends continuously",
    description: `Each order is checked and limited as by POST /api/{mode}/order. Up to 1 000 orders of a connection are read before their results; then TCP holds the client back. An order without a result when the connection ends may be accepted or not: send it again with its id. Subprotocol: ${ORDERS_PROTOCOL} or none. Ping every 15 s. Before the upgrade origins and connections are rejected like those of the dashboard.`,
    parameters: { mode: { description: "an enabled ingest mode" } },
    messages: messagesOf(ORDER_FRAMES),
    bindings: { ws: { method: "GET" } },
  },
  stream: {
    address: nameOf(redisStreamsKnobs.properties.v2Stream),
    title: "v2: the Redis Stream between API and workers",
    description: "Read by a consumer group from its beginning; trimmed behind the oldest unsettled entry.",
    messages: { entry: messageOf("entry", STREAM_ENTRY) },
  },
  topic: {
    address: nameOf(kafkaKnobs.properties.v3Topic),
    title: "v3: the Kafka topic between API and workers",
    messages: { record: messageOf("record", TOPIC_RECORD) },
  },
};

const OPERATIONS = {
  sendDashboard: {
    action: "send",
    channel: { $ref: "#/channels/dashboard" },
    summary: "The API sends the dashboard",
    messages: inChannel("dashboard", SENT),
  },
  receiveFromClient: {
    action: "receive",
    channel: { $ref: "#/channels/dashboard" },
    summary: "A client asks for a snapshot",
    messages: inChannel("dashboard", RECEIVED),
  },
  receiveOrder: {
    action: "receive",
    channel: { $ref: "#/channels/orders" },
    summary: "A client sends an order",
    messages: inChannel("orders", ["order"]),
  },
  sendResults: {
    action: "send",
    channel: { $ref: "#/channels/orders" },
    summary: "The API sends results",
    messages: inChannel("orders", ["results"]),
  },
  sendToStream: {
    action: "send",
    channel: { $ref: "#/channels/stream" },
    summary: "The API sends orders to the workers of v2",
    messages: [{ $ref: "#/channels/stream/messages/entry" }],
  },
  sendToTopic: {
    action: "send",
    channel: { $ref: "#/channels/topic" },
    summary: "The API sends orders to the workers of v3",
    messages: [{ $ref: "#/channels/topic/messages/record" }],
  },
};

export const asyncApi = (): object => ({
  asyncapi: "3.0.0",
  info: {
    title: "Coffee-RT WebSockets and transports",
    version: packageJson.version,
    license: { name: packageJson.license },
    description:
      "The WebSockets of the order API, for dashboards and for orders, and the messages of modes v2 and v3, for workers. A message may be delivered more than once: orders count by their id.",
  },
  defaultContentType: "application/json",
  channels: CHANNELS,
  operations: OPERATIONS,
  components: componentsOf("Dashboard", "Problem", "OrderMessage"),
});
