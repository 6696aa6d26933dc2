/**
 * Listens so that new connections come in under overload too. Of each listening socket libuv accepts one connection in a
 * turn of its event loop, and in an overloaded process a turn takes long: 300 clients that came at once waited up to
 * five seconds until they were even seen, and so would a health check. So several sockets listen on the port, among which
 * the system shares new connections (SO_REUSEPORT).
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Connections that wait to be accepted. With Node's 511 a burst of clients overflows it, and whose attempt was dropped
 * tries again after a second. The system's own limit holds too (net.core.somaxconn).
 */
const MOST_UNACCEPTED = 4_096;
const SOCKETS = 32;
/** Elsewhere a second socket on a port is an error, or takes all connections. */
const CAN_SHARE_PORTS = process.platform === "linux";

export type Listening = {
  readonly url: string;
  /** Accepts no more, closes the app, and resolves when every connection has ended, whichever socket it came by. */
  close(): Promise<void>;
};

/** Rejects with the system's error (EADDRINUSE) when somebody else listens there. */
export const listen = async (
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> => {
  const options = { host, port, backlog: MOST_UNACCEPTED };
  if (!CAN_SHARE_PORTS) return { url: await app.listen(options), close: () => app.close() };
  // sharing begins with the first: without this look a second API would share the port of the first, unnoticed
  await expectFree(options);
  const shared = { ...options, reusePort: true };
  const url = await app.listen(shared);
  const { port: bound } = app.server.address() as AddressInfo;
  const others = Array.from({ length: SOCKETS - 1 }, () => anotherSocket(app));
  await Promise.all(others.map((each) => listening(each, { ...shared, port: bound })));
  return {
    url,
    // their connections are the app's, which ends them, but it waits for its own socket's alone
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

/** As Node's HTTP server has its own. */
const anotherSocket = (app: FastifyInstance): Server =>
  createServer({ allowHalfOpen: true, noDelay: true }, (socket) => app.server.emit("connection", socket));

const listening = async (server: Server, options: ListenOptions): Promise<void> => {
  server.listen(options);
  await once(server, "listening");
};
