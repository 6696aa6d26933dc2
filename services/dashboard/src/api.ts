/** Requests to the API: its address, errors as sentences, and the random orders that the page sends. */
import { type Outcome, outcomeOf, outcomesOf } from "../../../shared/client/outcome.ts";
import type { Setup } from "../../../shared/wire/operations.ts";

export type Api = {
  /** The API's address, with a slash at its end. */
  readonly url: string;
  /** Where the API requires one. */
  readonly token: string | null;
  get<T>(path: string): Promise<T>;
  file(path: string): Promise<Blob>;
  /** Rejects with `ErrorReply` when the server answers anything but success. */
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
};

/** The body of an error reply: a problem document (RFC 9457), or that of GET /readyz. */
export type ErrorBody = {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  /** By GET /readyz with a 503: `ok`, or another state. */
  readonly servers?: { readonly postgresql?: string; readonly board_redis?: string };
};

export class ErrorReply extends Error {
  readonly body: ErrorBody;
  /** Whether the orders of the request were accepted. */
  readonly outcome: Outcome;
  readonly retryAfterMs: number;
  constructor(message: string, body: ErrorBody, outcome: Outcome, retryAfterMs: number) {
    super(message);
    this.body = body;
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether the orders of a failed request may have been accepted: there was no reply, or it does not say so. */
export const isUnconfirmed = (error: unknown): boolean =>
  !(error instanceof ErrorReply) || error.outcome === "unknown";

const TIMEOUT_MS = 8_000;

export const openApi = (url: string, token: string | null): Api => {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const reply = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await reach(new URL(path, url), init);
    if (response.ok) return response;
    throw await errorReplyOf(response);
  };
  const request = async <T>(path: string, init: RequestInit): Promise<T> =>
    (await (await reply(path, init)).json()) as T;
  return {
    url,
    token,
    get: (path) => request(path, { headers: { accept: "application/json", ...authorization } }),
    file: async (path) => (await reply(path, { headers: authorization })).blob(),
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization, ...headers },
        body: JSON.stringify(body),
      }),
  };
};

const reach = async (url: URL, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw new Error(
      isLate ? `The server did not answer within ${TIMEOUT_MS / 1_000} s.` : "The server is unreachable.",
      { cause: error },
    );
  }
};

const errorReplyOf = async (response: Response): Promise<ErrorReply> => {
  const text = await response.text().catch(() => "");
  const body = parsed(text);
  const sentence = asSentence(body.detail ?? body.title ?? `The server answered ${response.status}`);
  const outcome = outcomeOf(outcomesOf({ status: response.status, body: text, isReplay: false }, 1));
  return new ErrorReply(sentence, body, outcome, Number(response.headers.get("retry-after") ?? 0) * 1_000);
};

const parsed = (text: string): ErrorBody => {
  try {
    return (JSON.parse(text) as ErrorBody | null) ?? {};
  } catch {
    // the page of a proxy
    return {};
  }
};

export const asSentence = (text: string): string => {
  const whole = text.trim().replace(/^./, (first) => first.toUpperCase());
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The address of the API: the page's own, unless `<meta name="coffee-rt-api">` names another one. */
export const apiUrl = (named: string | null | undefined, pageUrl: string): string => {
  const url = new URL(named || ".", pageUrl);
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
};

export type RandomOrder = { readonly drink: string; readonly store: string; readonly price: number };

const MIN_CENTS = 250;
const MAX_CENTS = 650;
const STEP_CENTS = 10;

/** An order of the server's catalogue. `random` is Math.random. */
export const randomOrder = ({ drinks, stores }: Setup, random: () => number): RandomOrder => {
  const pick = (names: readonly string[]): string => names[Math.floor(random() * names.length)] ?? "";
  const steps = (MAX_CENTS - MIN_CENTS) / STEP_CENTS + 1;
  const cents = MIN_CENTS + STEP_CENTS * Math.floor(random() * steps);
  return { drink: pick(drinks.names), store: pick(stores.names), price: cents / 100 };
};

/** A UUIDv7 (RFC 9562), the idempotency key of an order. `random` has at least ten bytes. */
export const orderIdOf = (atMs: number, random: Uint8Array): string => {
  const time = Math.floor(atMs).toString(16).padStart(12, "0");
  const rest = [...random.slice(0, 10)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // the variant takes two bits, so its hex digit is 8, 9, a or b
  const variant = (8 + (Number.parseInt(rest.charAt(4), 16) % 4)).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${rest.slice(1, 4)}`,
    `${variant}${rest.slice(5, 8)}`,
    rest.slice(8, 20),
  ].join("-");
};
