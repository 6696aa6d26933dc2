/**
 * Listens so that new connections are accepted under overload too. Of each listening socket libuv accepts one connection
 * in a turn of its event loop, and in an overloaded process a turn takes long: 300 clients that connected at once waited
 * up to five seconds to be accepted, and so would a health check. So several sockets listen on the port, and the kernel
 * distributes new connections among them (SO_REUSEPORT).
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Connections that wait to be accepted. A burst of clients overflows Node's 511, and a dropped client retries after a
 * second. The kernel's own limit applies too (net.core.somaxconn).
 */
const MAX_UNACCEPTED = 4_096;
const SOCKETS = 32;
/** On other systems a second socket on a port is an error, or takes all connections. */
const CAN_SHARE_PORTS = process.platform === "linux";

export type Listening = {
  readonly url: string;
  /** Stops accepting, closes the app, and resolves when every connection has ended, whichever socket accepted it. */
  close(): Promise<void>;
};

/** Rejects with the system's error (EADDRINUSE) when another process listens there. */
export const listen = async (
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> => {
  const options = { host, port, backlog: MAX_UNACCEPTED };
  if (!CAN_SHARE_PORTS) return { url: await app.listen(options), close: () => app.close() };
  // the first socket shares its port already: without this check a second API would share it, unnoticed
  await expectFree(options);
  const shared = { ...options, reusePort: true };
  const url = await app.listen(shared);
  const { port: bound } = app.server.address() as AddressInfo;
  const others = Array.from({ length: SOCKETS - 1 }, () => anotherSocket(app));
  await Promise.all(others.map((each) => listening(each, { ...shared, port: bound })));
  return {
    url,
    // the app ends the connections of all sockets, but waits for those of its own alone
    close: async () => {
      await Promise.all([...others.map(ended), app.close()]);
    },
  };
};

const ended = async (server: Server): Promise<void> => {
  server.close();
  await once(server, "close");
};

const expectFree = async (options: ListenOptions): Promise<void> => {
  const server = createServer();
  await listening(server, { ...options, exclusive: true });
  await ended(server);
};

/** With the options of Node's HTTP server. */
const anotherSocket = (app: FastifyInstance): Server =>
  createServer({ allowHalfOpen: true, noDelay: true }, (socket) => app.server.emit("connection", socket));

const listening = async (server: Server, options: ListenOptions): Promise<void> => {
  server.listen(options);
  await once(server, "listening");
};
