/** The API over HTTP: requests that are retried while it is busy, restarting or unreachable, and its totals. */
import { iso, MINUTE_MS } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause, retrying } from "#shared/runtime/retry.ts";
import { addTo, keyOf, type Totals } from "./totals.ts";

export type Reply = { readonly status: number; readonly retryAfterMs: number; readonly body: string };

/** The API decides within 2 seconds; five times that is a lost connection. */
const REPLY_TIMEOUT_MS = 10_000;
/** A server may have asked for more just before it was restarted. */
const MAX_RETRY_AFTER_MS = 10_000;
const PAGE_ROWS = 10_000;
/** The connection failed or broke. Sending again is safe: the keys are the same. */
const CONNECTION_ERRORS: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The order API; a token where it requires one. */
export type Api = { readonly url: string; readonly token: string | null };

/** One request; a `body` is posted. */
export const request = async (
  { url, token }: Api,
  path: string,
  body?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Reply> => {
  const headers = {
    ...more,
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  const options = body === undefined ? { headers } : { method: "POST", body, headers };
  const signal = AbortSignal.timeout(REPLY_TIMEOUT_MS);
  const response = await fetch(url + path, { ...options, redirect: "manual", signal }).catch(failed(url));
  const retryAfterMs = Number(response.headers.get("retry-after") ?? 0) * 1_000 || 0;
  return { status: response.status, retryAfterMs, body: await response.text() };
};

/** fetch says "fetch failed", and its cause says why. */
const failed =
  (url: string) =>
  (error: Error): never => {
    if (error.cause === undefined) throw error;
    throw new Error(`${url} does not answer: ${messageOf(error.cause)}`, { cause: error.cause });
  };

export type Retries = {
  /** The first reply that is not "try again". Rejects at the limit, when `signal` aborts, and for other errors. */
  ask(call: () => Promise<Reply>, signal: AbortSignal): Promise<Reply>;
  /** Why the last request failed, null while they succeed. */
  trouble(): string | null;
};

class Busy extends Error {}

/** `limitMs` is how long no request at all may succeed, over everything that is asked through it. */
export const openRetries = (limitMs: number): Retries => {
  let failing: { readonly sinceMs: number; readonly reason: string } | null = null;
  const isRetryable = (error: unknown): boolean => {
    const { name, cause = error } = error as Error;
    const isPassing =
      error instanceof Busy ||
      name === "TimeoutError" ||
      CONNECTION_ERRORS.has((cause as NodeJS.ErrnoException).code);
    if (isPassing) failing = { sinceMs: failing?.sinceMs ?? Date.now(), reason: messageOf(cause) };
    return isPassing && Date.now() - (failing?.sinceMs ?? 0) < limitMs;
  };
  return {
    trouble: () => failing?.reason ?? null,
    ask: (call, signal) =>
      retrying(
        async () => {
          const reply = await call();
          // 408 and 429 ask for a retry; 5xx is a server, or a proxy before it, that is full, down or stopping
          if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {
            const isLimited = reply.status === 429;
            // the API is well, and the limit of a token is per minute
            if (isLimited) failing = null;
            await pause(Math.min(reply.retryAfterMs, isLimited ? MINUTE_MS : MAX_RETRY_AFTER_MS), signal);
            throw new Busy(`the API answers ${reply.status}: ${reasonIn(reply)}`);
          }
          failing = null;
          return reply;
        },
        { signal, isRetryable, onRetry: () => undefined },
      ),
  };
};

/** The reason in a reply of type problem+json, else the beginning of its text. */
export const reasonIn = ({ status, body }: Reply): string => {
  try {
    const { detail, title } = JSON.parse(body) as { detail?: unknown; title?: unknown };
    return String(detail ?? title ?? `status ${status}`);
  } catch {
    // a proxy's page, or an empty body
    return body.trim().slice(0, 200) || `status ${status}`;
  }
};

/** A reply that is no success, in words; a denied request names what to set. */
export const refusalOf = ({ url, token }: Api, reply: Reply, rights = "write and read"): string => {
  const { status } = reply;
  const about = `${url} answers ${status}: ${reasonIn(reply)}`;
  if (status !== 401 && status !== 403) return about;
  const set = token === null ? "not set" : "set to a token without that right";
  return `${about}. API_TOKEN is ${set}: expected a token that may ${rights}`;
};

/** How long a running system may take to answer at first. */
const FIRST_REPLY_LIMIT_MS = 30_000;

/** The reply to a GET. Rejects for any status but 200. `limitMs` is as of `openRetries`. */
export const readJson = async <T>(
  api: Api,
  path: string,
  signal: AbortSignal,
  limitMs = FIRST_REPLY_LIMIT_MS,
): Promise<T> => {
  const reply = await openRetries(limitMs).ask(() => request(api, path), signal);
  if (reply.status === 404) throw new Error(`GET ${path}: ${api.url} is no Coffee-RT, or an older one`);
  if (reply.status !== 200) throw new Error(`GET ${path}: ${refusalOf(api, reply)}`);
  try {
    return JSON.parse(reply.body) as T;
  } catch (error) {
    throw new Error(`GET ${path}: ${api.url} answers with something that is not JSON`, { cause: error });
  }
};

export type Hours = { readonly fromMs: number; readonly toMs: number };
type Page = {
  readonly rows: readonly { store: string; drink: string; orders: number; revenue: number }[];
  readonly next: string | null;
};

/** Orders and cents per store and drink in these hours, by GET /api/sales. `limitMs` is as of `openRetries`. */
export const readTotals = async (
  api: Api,
  mode: string,
  { fromMs, toMs }: Hours,
  limitMs: number,
  signal: AbortSignal,
): Promise<Totals> => {
  const retries = openRetries(limitMs);
  const totals: Totals = new Map();
  const span = { from: iso(fromMs), to: iso(toMs), bucket: "hour" };
  const query = new URLSearchParams({ ...span, mode, limit: String(PAGE_ROWS) });
  for (let cursor: string | null = ""; cursor !== null; ) {
    if (cursor !== "") query.set("cursor", cursor);
    const reply = await retries.ask(() => request(api, `/api/sales?${query}`), signal);
    if (reply.status !== 200) throw new Error(`GET /api/sales: ${refusalOf(api, reply)}`);
    const page = JSON.parse(reply.body) as Page;
    // a JSON number of currency units is the double nearest to it: rounding restores the cents
    for (const { store, drink, orders, revenue } of page.rows)
      addTo(totals, keyOf(store, drink), orders, Math.round(revenue * 100));
    cursor = page.next;
  }
  return totals;
};
