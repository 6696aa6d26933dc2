/** Posts an order in every mode through the API, and waits until the mode's dashboard shows it. */
import { parseArgs } from "node:util";
import { v7 as newOrderId } from "uuid";
import type { Names } from "#shared/domain/catalogue.ts";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import { type Command, FOUND, OK, UsageError } from "./command.ts";
import { type Api, openRetries, readJson, refusalOf, request } from "./replay/api.ts";

/** The service of the compose files. */
const DEFAULT_URL = "http://order-api:8005";
/** Programs that were just started have found their servers by then. */
const DEFAULT_WAIT_S = 60;
const MAX_WAIT_S = 3_600;
const POLL_EVERY_MS = 200;
/** Of the dashboard's recent_orders. Faster modes push an order out of the list between two polls. */
const FULL_LIST = 50;
/** The smallest price: the order stays in the figures. */
const PRICE = "0.01";

export const smoke: Command = {
  name: "smoke",
  summary: "posts an order in every mode and waits until the dashboard counts it",
  usage: `smoke                    every mode of the API; the orders stay, with a price of ${PRICE}
--url http://host:port   the order API   (API_URL, else ${DEFAULT_URL})
--modes v1,v2            these modes     (all that the API has)
--wait 60                seconds until every order must be counted
API_TOKEN is sent where ACCESS=tokens: the token may write and read
exit status: 0 counted in every mode, 1 not counted or failed, 2 an option is wrong`,
  run: async (args, { say, signal, env }) => {
    const { url, modes, waitS } = optionsOf(args, env["API_URL"]);
    const api = { url, token: env["API_TOKEN"] || null };
    const timeout = AbortSignal.timeout(waitS * 1_000);
    const trial = { api, waitS, signal: AbortSignal.any([signal, timeout]) };
    try {
      const { order, chosen } = await prepare(trial, modes);
      const countInMode = async (mode: string): Promise<string[]> => {
        const outcome = await countOne(trial, mode, order).catch(messageOf);
        const isCounted = typeof outcome === "number";
        if (!isCounted) signal.throwIfAborted();
        say(`${mode}: ${isCounted ? `counted after ${(outcome / 1_000).toFixed(2)} s` : outcome}`);
        return isCounted ? [] : [mode];
      };
      const failed = (await Promise.all(chosen.map(countInMode))).flat();
      if (failed.length === 0) return OK;
      say(`The smoke test of ${url} failed in ${failed.join(", ")}.`);
      return FOUND;
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error("interrupted: an order that was accepted is still counted", { cause: error });
    }
  },
};

type Trial = { readonly api: Api; readonly waitS: number; readonly signal: AbortSignal };

const optionsOf = (args: readonly string[], apiUrl: string | undefined) => {
  const values = valuesOf(args);
  const url = values.url ?? (apiUrl || DEFAULT_URL);
  if (!(URL.canParse(url) && /^https?:\/\/[^?#@]+$/.test(url)))
    throw new UsageError(`--url ${url}: expected http://host:port`);
  const waitS = Number(values.wait);
  if (!(waitS > 0 && waitS <= MAX_WAIT_S))
    throw new UsageError(`--wait ${values.wait}: expected seconds, at most ${MAX_WAIT_S}`);
  return { url: url.replace(/\/+$/, ""), modes: values.modes?.split(",") ?? null, waitS };
};

const valuesOf = (args: readonly string[]) => {
  try {
    const wait = { type: "string", default: String(DEFAULT_WAIT_S) } as const;
    const options = { url: { type: "string" }, modes: { type: "string" }, wait } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
};

/** An order that the API's catalogue accepts, and the modes to send it by. */
const prepare = async ({ api, signal, waitS }: Trial, modes: readonly string[] | null) => {
  const setup = await readJson<{ modes: readonly { name: string }[] }>(
    api,
    "/api/setup",
    signal,
    waitS * 1_000,
  );
  const enabled = setup.modes.map(({ name }) => name);
  const unknown = modes?.find((mode) => !enabled.includes(mode));
  if (unknown !== undefined)
    throw new Error(`--modes ${unknown}: ${api.url} has ${enabled.join(", ")}, and no other mode`);
  const { stores, drinks } = await readJson<Names>(api, "/api/catalogue", signal, waitS * 1_000);
  return {
    order: JSON.stringify({ store: stores[0], drink: drinks[0], price: PRICE }),
    chosen: modes ?? enabled,
  };
};

/** Resolves with the milliseconds from the request until the dashboard shows the order; rejects when it does not. */
const countOne = async (trial: Trial, mode: string, order: string): Promise<number> => {
  const { api, signal, waitS } = trial;
  const id = newOrderId();
  const startedMs = performance.now();
  const post = () => request(api, `/api/${mode}/order`, order, { "idempotency-key": id });
  // the same key is the same order, so that a lost reply is no second order
  const reply = await openRetries(waitS * 1_000).ask(post, signal);
  if (reply.status >= 300) throw new Error(refusalOf(api, reply));
  while (!signal.aborted) {
    if (await isShown(trial, mode, id)) return performance.now() - startedMs;
    await pause(POLL_EVERY_MS, signal);
  }
  throw new Error(`order ${id} was accepted (${reply.status}) and not counted within ${waitS} s`);
};

const isShown = async ({ api, signal, waitS }: Trial, mode: string, id: string): Promise<boolean> => {
  const board = await readJson<Dashboard>(api, `/api/dashboard?mode=${mode}`, signal, waitS * 1_000);
  if (board.recent_orders.some((order) => order.id === id)) return true;
  const { status, body } = await openRetries(waitS * 1_000).ask(
    () => request(api, `/api/orders/${id}`),
    signal,
  );
  if (status !== 200) return false;
  const found = JSON.parse(body) as { readonly status: string; readonly detail?: string };
  if (found.status === "dead") throw new Error(`order ${id} is a dead letter: ${found.detail}`);
  const isPushedOut = !board.stale && board.recent_orders.length === FULL_LIST;
  return found.status === "counted" && isPushedOut;
};
