/** A TCP proxy between a program and a server that disturbs their network. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Random } from "#shared/domain/random.ts";

/**
 * What happens to the bytes:
 * - `cut`: connections are reset, new ones too.
 * - `silent`: half-open; connections stay and new ones are accepted, no byte arrives on either side.
 * - `replies-lost`: what the program sends arrives, what the server answers does not.
 * - `requests-lost`: what the server answers arrives, what the program sends does not.
 * - `forgotten`: connections that exist now stay silent for good; new ones work. A router that lost its connection
 *   table does this.
 * - a delay: each piece arrives later by it, in order.
 */
export type Disturbance =
  | "none"
  | "cut"
  | "silent"
  | "replies-lost"
  | "requests-lost"
  | "forgotten"
  | { readonly delayMs: number; readonly jitterMs: number };

export type TcpProxy = {
  readonly port: number;
  /** Where connections made from now on lead to. */
  forwardTo(port: number): void;
  /** From now on. Dropped bytes stay lost: when a disturbance ends, connections that missed bytes are reset. */
  disturb(disturbance: Disturbance): void;
  close(): Promise<void>;
};

const HOST = "127.0.0.1";

type Pair = { readonly near: Socket; readonly far: Socket; missedBytes: boolean; isForgotten: boolean };

export const openTcpProxy = async (random: Random): Promise<TcpProxy> => {
  const pairs = new Set<Pair>();
  let target = 0;
  let present: Disturbance = "none";

  const reset = (pair: Pair): void => {
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
    pairs.delete(pair);
  };

  /** Passes on what `from` sends, subject to the present disturbance. */
  const forward = (pair: Pair, from: Socket, to: Socket, isReply: boolean): void => {
    const delayed = openDelayQueue(() => {
      const slow = typeof present === "object" ? present : { delayMs: 0, jitterMs: 0 };
      return slow.delayMs + random.next() * slow.jitterMs;
    });
    from.on("data", (bytes: Buffer) => {
      if (pair.isForgotten) return;
      if (present === "silent" || present === (isReply ? "replies-lost" : "requests-lost"))
        pair.missedBytes = true;
      else delayed(() => void to.write(bytes));
    });
    from.on("end", () => {
      if (!pair.isForgotten) delayed(() => void to.end());
    });
    // an error is followed by a close, which resets the other side
    from.on("error", () => undefined);
    from.on("close", () => {
      // the program must not notice that the server closed
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
    forwardTo: (port) => {
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

/** Runs each work after its delay, and never before the one that came earlier: timers alone could change their order. */
const openDelayQueue = (delayMs: () => number) => {
  const pending: { readonly atMs: number; readonly work: () => void }[] = [];
  const runDue = (): void => {
    for (let next = pending[0]; next; next = pending[0]) {
      const leftMs = next.atMs - performance.now();
      if (leftMs > 0) return void setTimeout(runDue, leftMs);
      pending.shift();
      next.work();
    }
  };
  return (work: () => void): void => {
    pending.push({ atMs: performance.now() + delayMs(), work });
    // with earlier work pending, its timer is running already
    if (pending.length === 1) runDue();
  };
};
