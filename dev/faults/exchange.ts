/** One HTTP request as bytes on a connection of its own, for clients that do not behave. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type RawRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Said to be this long, whatever it is. */
  readonly saidBytes?: number;
};

/** `status` is null when the connection ended without an answer, or none came in time. */
export type Answer = { readonly status: number | null; readonly headers: string; readonly body: string };

const ANSWER_WITHIN_MS = 10_000;
const NONE: Answer = { status: null, headers: "", body: "" };

const bytesOf = ({ path, headers, body, saidBytes = body.length }: RawRequest, host: string): Buffer => {
  // both together are a smuggler's trick, which is refused for that alone
  const length = "transfer-encoding" in headers ? {} : { "content-length": String(saidBytes) };
  const all = { host, connection: "close", ...length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`), body]);
};

const open = (url: string): { socket: Socket; host: string } => {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  // a reset is followed by a close, for which we wait
  socket.on("error", () => undefined);
  return { socket, host };
};

/** Sends all of it and waits so long for the answer. */
export const exchange = async (
  url: string,
  request: RawRequest,
  withinMs = ANSWER_WITHIN_MS,
): Promise<Answer> => {
  const { socket, host } = open(url);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytesOf(request, host));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([closed, sleep(withinMs, undefined, { ref: false })]);
  socket.destroy();
  const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n", 2);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
  return status === undefined ? NONE : { status: Number(status), headers: head.toLowerCase(), body };
};

/** Sends all of it, and resets the connection so long after the last byte has left. */
export const sendAndReset = async (url: string, request: RawRequest, afterMs: number): Promise<void> => {
  const { socket, host } = open(url);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(bytesOf(request, host), () => {
    if (afterMs === 0) socket.resetAndDestroy();
    else setTimeout(() => socket.resetAndDestroy(), afterMs);
  });
  await closed;
};
