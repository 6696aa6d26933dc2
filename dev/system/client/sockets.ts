/** Single orders over /ws/orders/{mode}, with the replies that a POST would have had. */
import { type OrderSocket, openOrderSocket } from "#shared/client/orders.ts";
import type { OrderResult, SocketOrder } from "#shared/wire/order-socket.ts";
import type { Connections, Received } from "./connections.ts";

/**
 * One connection, opened with the first order and again after it has ended. An order without a result in time ends it: it
 * may be dead without a sign. `mode` is that of every order.
 */
export const openSocketConnection = (
  url: string,
  mode: string,
  replyWithinMs: number,
): Pick<Connections, "url" | "post" | "close"> => {
  let opening: Promise<OrderSocket> | null = null;

  const connected = (): Promise<OrderSocket> => {
    if (opening) return opening;
    const current = openOrderSocket({ url, mode });
    const forget = (): void => {
      if (opening === current) opening = null;
    };
    current.then(({ closed }) => closed.then(forget), forget);
    opening = current;
    return current;
  };
  const abandon = (): void => {
    opening?.then(
      (socket) => socket.close(),
      () => undefined,
    );
    opening = null;
  };

  const received = async (order: SocketOrder): Promise<Received> => {
    const sentMs = performance.now();
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(late.resolve, replyWithinMs, null);
    try {
      const sent = connected().then((socket) => socket.send(order));
      const result = await Promise.race([sent, late.promise]);
      if (result === null) {
        abandon();
        return { ...NO_REPLY, failure: "timeout", sentMs, endMs: performance.now() };
      }
      return { ...replyOf(result), failure: null, sentMs, endMs: performance.now() };
    } catch {
      // no connection, or it ended before the result
      return { ...NO_REPLY, failure: "connection", sentMs, endMs: performance.now() };
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    url,
    post: (_path, body, key, onReceived) => {
      void received({ id: key, ...JSON.parse(body) } as SocketOrder).then(onReceived);
    },
    close: async () => abandon(),
  };
};

const NO_REPLY = { status: 0, body: "", isReplay: false };

const replyOf = (result: OrderResult): Pick<Received, "status" | "body" | "isReplay"> => {
  if ("problem" in result)
    return { status: result.problem.status, body: JSON.stringify(result.problem), isReplay: false };
  const isReplay = result.replayed === true;
  return { status: isReplay ? 200 : 202, body: JSON.stringify(result), isReplay };
};
