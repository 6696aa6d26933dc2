/**
 * Open-loop load: orders are sent when they are due, whether or not the earlier ones were answered, and latency counts
 * from when they were due. A program of its own, so that its work is not the system's.
 *   node dev/overload/load.ts '{"url":…,"path":…,"phases":[{"name":"overload","perSecond":5000,"seconds":10}]}'
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type Phase = { readonly name: string; readonly perSecond: number; readonly seconds: number };
export type Load = {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly phases: readonly Phase[];
};

/** One reply: when it was due and answered in milliseconds of this program's clock, and its status; 0 is no reply. */
export type Answer = readonly [dueMs: number, answeredMs: number, status: number];
export type LoadResult = {
  readonly phases: readonly { readonly name: string; readonly startMs: number; readonly endMs: number }[];
  readonly answers: readonly Answer[];
  /** Not sent, because every connection waited for a reply. */
  readonly unsent: number;
  /** How long after it was due a request was sent, 99th percentile: above a few ms the generator could not keep up. */
  readonly lateP99Ms: number;
};

/** Requests at a time; with all of them waiting for a reply, what comes due is not sent. */
const CONNECTIONS = 2_000;
const SETTLE_MS = 1_000;
const LAST_REPLIES_MS = 5_000;
const TICK_MS = 2;

type Connection = { readonly socket: Socket; dueMs: number; received: string };

const run = async ({ url, path, body, phases }: Load): Promise<LoadResult> => {
  const { hostname, port } = new URL(url);
  const head = `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  const request = `${head}\r\n\r\n${body}`;
  const answers: Answer[] = [];
  const free: Connection[] = [];
  const busy = new Set<Connection>();
  const lateness: number[] = [];
  let unsent = 0;

  const answered = (connection: Connection, status: number): void => {
    if (busy.delete(connection)) answers.push([connection.dueMs, performance.now(), status]);
  };
  const open = (): Connection => {
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding("latin1");
    const connection: Connection = { socket, dueMs: 0, received: "" };
    socket.on("data", (text: string) => {
      connection.received += text;
      const status = statusOf(connection.received);
      if (status === null) return;
      connection.received = "";
      answered(connection, status);
      free.push(connection);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      answered(connection, 0);
      const place = free.indexOf(connection);
      if (place >= 0) free.splice(place, 1);
    });
    return connection;
  };
  const send = (dueMs: number): void => {
    const connection = free.pop();
    if (connection === undefined) {
      unsent++;
      return;
    }
    connection.dueMs = dueMs;
    lateness.push(performance.now() - dueMs);
    busy.add(connection);
    connection.socket.write(request);
  };

  // clients have their connections already: Node accepts one in a turn of its loop, and that is not what is measured
  for (let opened = 0; opened < CONNECTIONS; opened++) {
    free.push(open());
    if (opened % 20 === 0) await sleep(TICK_MS);
  }
  await sleep(SETTLE_MS);
  const spans = [];
  for (const { name, perSecond, seconds } of phases) {
    const startMs = performance.now();
    const endMs = startMs + seconds * 1_000;
    for (let dueMs = startMs; dueMs < endMs; await sleep(TICK_MS))
      for (const now = performance.now(); dueMs < Math.min(now, endMs); dueMs += 1_000 / perSecond)
        send(dueMs);
    spans.push({ name, startMs, endMs });
  }
  for (const deadline = performance.now() + LAST_REPLIES_MS; busy.size > 0; await sleep(TICK_MS))
    if (performance.now() > deadline) break;
  for (const { socket } of [...free, ...busy]) socket.destroy();
  lateness.sort((a, b) => a - b);
  return { phases: spans, answers, unsent, lateP99Ms: lateness[Math.floor(lateness.length * 0.99)] ?? 0 };
};

/** The status of a whole reply, null while some of it is on its way. */
const statusOf = (text: string): number | null => {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return text.length >= end + 4 + Number(length ?? 0) ? Number(text.slice(9, 12)) : null;
};

if (import.meta.main) {
  const result = await run(JSON.parse(process.argv[2] ?? "{}") as Load);
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
