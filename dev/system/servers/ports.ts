import { createServer } from "node:net";

/**
 * Below Linux' range for outgoing connections (32768-60999). A port inside that range can be taken by any client while
 * its server is down for a fault test, even by the client that keeps trying to reach that very port.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
const MAX_TRIES = 200;

const handedOut = new Set<number>();

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The preferred loopback port, or the next free one above it; without a preference any. Never the same one twice. */
export const freePort = async (preferred?: number): Promise<number> => {
  const span = LAST_PORT - FIRST_PORT + 1;
  const start = preferred ?? FIRST_PORT + Math.floor(Math.random() * span);
  for (let step = 0; step < MAX_TRIES; step++) {
    const port = preferred === undefined ? FIRST_PORT + ((start - FIRST_PORT + step) % span) : start + step;
    if (handedOut.has(port)) continue;
    handedOut.add(port); // before the wait: two callers at once must not both find it free
    if (await isFree(port)) return port;
    handedOut.delete(port);
  }
  throw new Error(`no free port on 127.0.0.1 in the ${MAX_TRIES} from ${start}`);
};
