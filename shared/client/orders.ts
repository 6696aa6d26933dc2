import type { bearerProtocol } from "../wire/dashboard.ts";
import type { ORDERS_PROTOCOL, OrderResult, SocketOrder } from "../wire/order-socket.ts";

const PROTOCOL: typeof ORDERS_PROTOCOL = "coffee-rt.orders.v1";
/** A browser sends no header with a WebSocket. */
const withToken: typeof bearerProtocol = (token) => `bearer.${token}`;

export type OrderSocketOptions = {
  /** Of the API, as http://127.0.0.1:8005. */
  readonly url: string;
  readonly mode: string;
  /** Where ACCESS=tokens: one that may `write`. */
  readonly token?: string | null;
};

export type OrderSocket = {
  /**
   * Resolves with the order's result. Rejects with `ConnectionLost` when the connection ends before: the order may be
   * accepted or not, and can be sent again with its id, over a new connection or by POST.
   */
  send(order: SocketOrder): Promise<OrderResult>;
  /** Resolves when the connection has ended, by either side. */
  readonly closed: Promise<Closed>;
  /** Results that have not arrived are lost. */
  close(): void;
};
export type Closed = { readonly code: number; readonly reason: string };

export class ConnectionLost extends Error {}

type Pending = { readonly resolve: (result: OrderResult) => void; readonly reject: (error: Error) => void };

/**
 * Opens a connection for a client that sends continuously, in browsers and in Node 22 or newer, without dependencies. Rejects when the
 * API does not accept it; a GET of the same path returns the reason.
 */
export const openOrderSocket = async ({
  url,
  mode,
  token = null,
}: OrderSocketOptions): Promise<OrderSocket> => {
  const path = `/ws/orders/${mode}`;
  const socket = new WebSocket(
    `${url.replace(/^http/, "ws").replace(/\/$/, "")}${path}`,
    token === null ? [PROTOCOL] : [PROTOCOL, withToken(token)],
  );
  /** By id: an order may be sent again before its first result. */
  const pending = new Map<string, Pending[]>();
  const closed = new Promise<Closed>((resolve) => {
    socket.onclose = ({ code, reason }) => {
      const why = `the connection ended (${code}${reason && `: ${reason}`}) before the order had a result`;
      for (const { reject } of [...pending.values()].flat()) reject(new ConnectionLost(why));
      pending.clear();
      resolve({ code, reason });
    };
  });
  socket.onmessage = ({ data }) => {
    for (const result of JSON.parse(String(data)) as OrderResult[]) {
      const id = String(result.id);
      const waiting = pending.get(id);
      waiting?.shift()?.resolve(result);
      if (waiting?.length === 0) pending.delete(id);
    }
  };
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new ConnectionLost(`${url} accepts no connection at ${path}`));
  });
  return {
    send: (order) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN)
          return reject(new ConnectionLost("the connection has ended"));
        const waiting = pending.get(order.id) ?? [];
        waiting.push({ resolve, reject });
        pending.set(order.id, waiting);
        socket.send(JSON.stringify(order));
      }),
    closed,
    close: () => socket.close(),
  };
};
