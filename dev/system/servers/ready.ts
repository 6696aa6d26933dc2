// "Is the server answering real requests?", asked in each server's own protocol. An open port is not an answer:
// PostgreSQL and Redis accept connections while they are still recovering their data. Spoken over a bare socket, so
// that starting a server loads none of the clients.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ANSWER_WITHIN_MS = 2_000;

/** Sends the bytes and reads until `complete` is true of the answer; false when that does not come. */
const exchange = (port: number, request: Buffer, complete: (answer: Buffer) => boolean) =>
  new Promise<boolean>((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket.on("error", () => end(false)).on("close", () => end(false));
    socket.on("data", (part) => {
      answer = Buffer.concat([answer, part]);
      if (complete(answer)) end(true);
    });
  });

const sized = (body: Buffer, sizeIncludesItself: boolean) => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length + (sizeIncludesItself ? 4 : 0));
  return Buffer.concat([size, body]);
};

/** A StartupMessage of protocol 3.0; the server ends its greeting with ReadyForQuery ("Z", length 5, "I" for idle). */
export const postgresIsReady = (port: number) => {
  const version = Buffer.from([0, 3, 0, 0]);
  const startup = sized(
    Buffer.concat([version, Buffer.from("user\0postgres\0database\0postgres\0\0")]),
    true,
  );
  return exchange(port, startup, (answer) =>
    answer.subarray(-6).equals(Buffer.from("Z\0\0\0\x05I", "latin1")),
  );
};

/** While it loads its data, Redis answers PING with -LOADING. */
export const redisIsReady = (port: number) =>
  exchange(port, Buffer.from("PING\r\n"), (answer) => answer.toString("latin1").startsWith("+PONG"));

/**
 * Metadata (api 3, version 4) about no topics. The answer is size, correlation id, throttle time, number of brokers:
 * a broker that the controller does not serve yet lists none.
 */
export const kafkaIsReady = (port: number) => {
  const header = Buffer.from([0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff]); // api, version, correlation id, no client id
  const noTopics = Buffer.from([0, 0, 0, 0, 0]); // an empty array; do not create topics
  const request = sized(Buffer.concat([header, noTopics]), false);
  return exchange(port, request, (answer) => answer.length >= 16 && answer.readInt32BE(12) > 0);
};

/** Polls until ready. `stillRunning` throws when there is nothing left to wait for. */
export const waitUntilReady = async (
  isReady: () => Promise<boolean>,
  stillRunning: () => void,
  withinMs: number,
  failure: () => Error,
) => {
  const until = Date.now() + withinMs;
  for (;;) {
    stillRunning();
    if (await isReady()) return;
    if (Date.now() > until) throw failure();
    await sleep(20);
  }
};
