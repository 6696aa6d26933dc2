/** A wire between client and API that can be redirected, made silent, or cut. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Wire = {
  readonly url: string;
  /** Connections made from now on end at this API. */
  leadTo(url: string): void;
  /** The present connections pass nothing more and stay open; new ones pass everything. */
  swallow(): void;
  cut(): void;
  /** Connections made so far. */
  connections(): number;
  close(): Promise<void>;
};

export const openWire = async (firstUrl: string): Promise<Wire> => {
  let target = new URL(firstUrl);
  let connections = 0;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    connections++;
    const far = connect(Number(target.port), target.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of pair) {
      // an error is followed by the close that ends the other side
      socket.on("error", () => undefined);
      socket.on("close", () => {
        for (const each of pair) each.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (url) => {
      target = new URL(url);
    },
    swallow: () => {
      for (const pair of pairs) for (const socket of pair) socket.unpipe().resume();
    },
    cut,
    connections: () => connections,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
};
