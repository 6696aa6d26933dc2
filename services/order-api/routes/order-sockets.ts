/**
 * /ws/orders/{mode} for every enabled mode, for clients that send continuously: a frame is an order, and its result comes by
 * its id. The rules and limits are those of a POST of each order; those that arrive together share a write.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { lacksNamesAlone, type Order } from "#shared/domain/order.ts";
import { KeyConflict, type Mode, type Outcome, Unavailable } from "#shared/ports.ts";
import { socketOrderShape } from "#shared/wire/order-socket.ts";
import type { Access } from "../access.ts";
import type { AnswerFrames, FrameGroups } from "../frame-groups.ts";
import { type Checked, type Item, itemOf, openChecker, refusalOf } from "../items.ts";
import type { Rejection } from "../limits.ts";
import { invalid, type Problem, problemOf, rejectedDetail, retryAfterSeconds, typeOf } from "../problems.ts";
import { socketRoute, type UpgradeRules } from "../sockets.ts";
import { NAMES_UNREAD, type OrderRoutes } from "./orders.ts";

export type OrderSocketRoutes = OrderRoutes &
  UpgradeRules & {
    readonly frameGroups: FrameGroups;
    readonly access: Access;
  };

export const addOrderSockets = (app: FastifyInstance, routes: OrderSocketRoutes): void => {
  const { sockets, maxSockets, frameGroups, access } = routes;
  // as for a POST: a page that is not named may read at most
  const allowedOrigins = routes.allowedOrigins.filter((origin) => origin !== "*");
  const rules = { sockets, maxSockets, allowedOrigins };
  for (const mode of routes.intakes.modes)
    app.get(
      `/ws/orders/${mode.name}`,
      {
        config: { access: { rights: ["write"], mode: mode.name } },
        ...socketRoute(rules, `POST /api/${mode.name}/order takes one order`),
      },
      (socket, request) => {
        sockets.add(socket);
        access.watchSocket(socket, request);
        frameGroups.serve(socket, openAnswers(mode, request, routes));
      },
    );
};

/** As shared/wire/order-socket.ts publishes it. */
type Result =
  | { readonly id: string; readonly status: string; readonly replayed?: true }
  | { readonly id: string | null; readonly problem: Problem; readonly retry_after_seconds?: number };

/** Answers the frames of one socket. */
const openAnswers = (
  { name: mode, accepts: status }: Mode,
  request: FastifyRequest,
  { intakes, rules, metrics, access }: OrderSocketRoutes,
): AnswerFrames => {
  const validate = request.compileValidationSchema(socketOrderShape);

  const refuse = (item: Item, { reason, problem, retryAfterSeconds: retry }: Refusal): Result => {
    metrics.rejected(mode, reason, 1);
    return { id: idIn(item), problem, ...(retry !== undefined && { retry_after_seconds: retry }) };
  };

  const admitted = () => new Promise<Rejection | null>((resolve) => intakes.admit(mode, resolve));

  const check = async (items: readonly Item[]): Promise<(Order | Refusal)[]> => {
    const checked = items.map(openChecker(validate, rules));
    if (!checked.some(lacksNames)) return checked.map(decided);
    if (await rules.catalogue.refresh()) return items.map(openChecker(validate, rules)).map(decided);
    return checked.map((each) => (lacksNames(each) ? namesUnread() : decided(each)));
  };

  const write = async (orders: readonly Order[]): Promise<readonly Outcome[]> => {
    try {
      return orders.length === 0 ? [] : await intakes.accept(mode, orders);
    } catch (error) {
      if (error instanceof Unavailable) return orders.map(() => error);
      throw error;
    }
  };

  const take = async (frames: readonly string[]): Promise<Result[]> => {
    const started = performance.now();
    const rejection = await admitted();
    const items = frames.map(itemOf);
    if (rejection !== null) return items.map((item) => refuse(item, rejected(rejection)));
    const decisions = await check(items);
    const orders = decisions.filter((each) => "body" in each);
    const outcomes = await write(orders);
    metrics.taken(mode, orders, outcomes, performance.now() - started);
    let written = 0;
    return items.map((item, index) => {
      const decision = decisions[index] as Order | Refusal;
      if ("problem" in decision) return refuse(item, decision);
      const outcome = outcomes[written++] as Outcome;
      if (outcome instanceof Error) return refuse(item, failed(outcome));
      const id = idIn(item) ?? decision.id;
      return outcome.replayed ? { id, status, replayed: true } : { id, status };
    });
  };

  return async (frames) => {
    try {
      const { allowed, retryAfterSeconds: retry } = await access.limitFrames(request, frames.length);
      const results = await take(frames.slice(0, allowed));
      if (allowed === frames.length) return results;
      const limited = {
        reason: "rate_limited",
        problem: problemOf("rate-limited"),
        retryAfterSeconds: retry,
      };
      return [...results, ...frames.slice(allowed).map((frame) => refuse(itemOf(frame), limited))];
    } catch (error) {
      request.log.error({ err: error, route: request.routeOptions.url }, "orders failed");
      return frames.map((frame) =>
        refuse(itemOf(frame), { reason: "internal", problem: problemOf("internal") }),
      );
    }
  };
};

/** Why an order is not accepted; `reason` is that of coffee_orders_rejected_total. */
type Refusal = { readonly reason: string; readonly problem: Problem; readonly retryAfterSeconds?: number };

const lacksNames = (checked: Checked): boolean => "errors" in checked && lacksNamesAlone(checked.errors);

const decided = (checked: Checked): Order | Refusal =>
  "order" in checked ? checked.order : { reason: "invalid", problem: invalid(checked.errors) };

const namesUnread = (): Refusal => ({
  reason: "backend_away",
  problem: problemOf("backend-away", { detail: NAMES_UNREAD }),
  retryAfterSeconds: retryAfterSeconds(),
});

const rejected = (rejection: Rejection): Refusal => ({
  reason: rejection.reason,
  problem: problemOf(typeOf(rejection.reason), rejectedDetail(rejection)),
  retryAfterSeconds: retryAfterSeconds(),
});

const failed = (error: Error): Refusal => {
  if (error instanceof Unavailable) {
    const type = typeOf(error.reason);
    const detail = `${problemOf(type).detail}; the same order can be sent again with this id`;
    const problem = problemOf(type, { detail });
    return { reason: error.reason, problem, retryAfterSeconds: retryAfterSeconds() };
  }
  const isConflict = error instanceof KeyConflict;
  return {
    reason: isConflict ? "conflict" : "internal",
    problem: invalid([refusalOf(error)], isConflict ? "key-conflict" : "invalid"),
  };
};

/** Longer texts are no ids, and would make results longer than frames. */
const MAX_ID_LENGTH = 64;

/** The id as it was sent. */
const idIn = (item: Item): string | null => {
  const value = "value" in item ? item.value : null;
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : null;
  return typeof id === "string" && id.length <= MAX_ID_LENGTH ? id : null;
};
