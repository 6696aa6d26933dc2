/** The network between a program and a server, as a TCP proxy that can be disturbed. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Random } from "#shared/domain/random.ts";

/**
 * What happens to the bytes:
 * - `cut`: connections are reset, new ones too.
 * - `silent`: half-open; connections stay and new ones are made, nothing arrives, nobody is told.
 * - `replies-lost`: what the program sends arrives, what the server answers does not.
 * - `requests-lost`: what the server answers arrives, what the program sends does not.
 * - `forgotten`: the connections that there are now stay silent for good, whatever comes later; new ones are as ever. So
 *   does something in between that lost its table of connections.
 * - a delay: each piece arrives so much later, in order.
 */
export type Disturbance =
  | "none"
  | "cut"
  | "silent"
  | "replies-lost"
  | "requests-lost"
  | "forgotten"
  | { readonly delayMs: number; readonly jitterMs: number };

export type Wire = {
  readonly port: number;
  /** Where connections made from now on lead to. */
  leadTo(port: number): void;
  /** From now on. What was swallowed is gone: when it ends, connections that missed bytes are reset. */
  disturb(disturbance: Disturbance): void;
  close(): Promise<void>;
};

const HOST = "127.0.0.1";

type Pair = { readonly near: Socket; readonly far: Socket; missedBytes: boolean; isForgotten: boolean };

export const openWire = async (random: Random): Promise<Wire> => {
  const pairs = new Set<Pair>();
  let target = 0;
  let present: Disturbance = "none";

  const reset = (pair: Pair): void => {
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
    pairs.delete(pair);
  };

  /** Hands on what `from` says, as the present disturbance has it. */
  const forward = (pair: Pair, from: Socket, to: Socket, isReply: boolean): void => {
    const inTurn = openInTurn(() => {
      const slow = typeof present === "object" ? present : { delayMs: 0, jitterMs: 0 };
      return slow.delayMs + random.next() * slow.jitterMs;
    });
    from.on("data", (bytes: Buffer) => {
      if (pair.isForgotten) return;
      if (present === "silent" || present === (isReply ? "replies-lost" : "requests-lost"))
        pair.missedBytes = true;
      else inTurn(() => void to.write(bytes));
    });
    from.on("end", () => {
      if (!pair.isForgotten) inTurn(() => void to.end());
    });
    // an error is followed by a close, which tells the other side
    from.on("error", () => undefined);
    from.on("close", () => {
      // the program's end hears nothing of the server's
      if (pair.isForgotten) return void (isReply || reset(pair));
      if (present === "silent") pair.missedBytes = true;
      else reset(pair);
    });
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (present === "cut") return void near.resetAndDestroy();
    const far = connect({ port: target, host: HOST, allowHalfOpen: true });
    const pair = { near, far, missedBytes: false, isForgotten: false };
    pairs.add(pair);
    forward(pair, near, far, false);
    forward(pair, far, near, true);
  });
  server.listen(0, HOST);
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (port) => {
      target = port;
    },
    disturb: (disturbance) => {
      present = disturbance;
      for (const pair of pairs) pair.isForgotten ||= disturbance === "forgotten";
      for (const pair of pairs) if (pair.missedBytes || disturbance === "cut") reset(pair);
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const pair of pairs) reset(pair);
      await closed;
    },
  };
};

/** Does each work after its delay, and never before the one that came earlier: timers alone may change places. */
const openInTurn = (delayMs: () => number) => {
  const waiting: { readonly atMs: number; readonly work: () => void }[] = [];
  const goOn = (): void => {
    for (let next = waiting[0]; next; next = waiting[0]) {
      const leftMs = next.atMs - performance.now();
      if (leftMs > 0) return void setTimeout(goOn, leftMs);
      waiting.shift();
      next.work();
    }
  };
  return (work: () => void): void => {
    waiting.push({ atMs: performance.now() + delayMs(), work });
    // whoever came earlier has its timer
    if (waiting.length === 1) goOn();
  };
};
