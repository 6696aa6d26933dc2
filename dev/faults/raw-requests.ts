/** Order requests as bytes on a connection of their own, for clients that misbehave. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { membersOf, type Order, requestOf } from "../system/client/orders.ts";

export type RawRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The content-length that is claimed; the body's own without it. */
  readonly claimedBytes?: number;
};

export const JSON_TYPE = { "content-type": "application/json" };
export const NDJSON_TYPE = { "content-type": "application/x-ndjson" };

/** One order, or several as a batch. */
export const rawRequestOf = (mode: string, orders: readonly Order[]): RawRequest => {
  const { path, body, key } = requestOf(mode, orders);
  const headers = { ...JSON_TYPE, ...(key !== null && { "idempotency-key": key }) };
  return { path, headers, body: Buffer.from(body) };
};

/** A batch with any body. */
export const rawBatch = (
  mode: string,
  headers: Record<string, string>,
  body: Buffer | string,
): RawRequest => ({
  path: `/api/${mode}/orders`,
  headers,
  body: Buffer.from(body),
});

/** An order of a batch as JSON. */
export const batchMember = (order: Order): string => JSON.stringify({ id: order.id, ...membersOf(order) });

const bytesOf = ({ path, headers, body, claimedBytes = body.length }: RawRequest, host: string): Buffer => {
  // both headers together are request smuggling, which is refused for that alone
  const length = "transfer-encoding" in headers ? {} : { "content-length": String(claimedBytes) };
  const all = { host, connection: "close", ...length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`), body]);
};

const open = (url: string): { socket: Socket; host: string } => {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  // a reset is followed by a close
  socket.on("error", () => undefined);
  return { socket, host };
};

/** Sends all of it; resolves with the status, null when the connection closed without a reply or none came in time. */
export const sendRaw = async (url: string, request: RawRequest, withinMs: number): Promise<number | null> => {
  const { socket, host } = open(url);
  let reply = "";
  socket.on("data", (chunk: Buffer) => {
    reply += chunk;
  });
  socket.write(bytesOf(request, host));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([closed, sleep(withinMs, undefined, { ref: false })]);
  socket.destroy();
  const status = /^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1];
  return status === undefined ? null : Number(status);
};

/** Sends all of it, and resets the connection `afterMs` after the last byte was written. */
export const sendAndReset = async (url: string, request: RawRequest, afterMs: number): Promise<void> => {
  const { socket, host } = open(url);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(bytesOf(request, host), () => {
    if (afterMs === 0) socket.resetAndDestroy();
    else setTimeout(() => socket.resetAndDestroy(), afterMs);
  });
  await closed;
};
