/** Talks to the API; every failure becomes an error with a sentence for people. */

export type Api = {
  /** Where the API is, with a slash at its end. */
  readonly url: string;
  get<T>(path: string): Promise<T>;
  /** Rejects with `Refused` when the server answers anything but success. */
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
};

/** What an API answers instead: a problem (RFC 9457), or a body of its own. */
export type Told = {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  /** Of GET /readyz, which says with a 503 that it is not ready: `ok`, or something else. */
  readonly servers?: { readonly postgresql?: string; readonly board_redis?: string };
};

/** The server answered, and not with what was asked for. */
export class Refused extends Error {
  readonly body: Told;
  readonly retryAfterMs: number;
  constructor(message: string, body: Told, retryAfterMs: number) {
    super(message);
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server's words for a write that may have been taken or not. */
const UNCONFIRMED = ["outcome-unknown", "backend-away"];

/** A reply that did not come says nothing of what became of the request, and neither do some that did. */
export const isUnconfirmed = (error: unknown): boolean =>
  !(error instanceof Refused) || UNCONFIRMED.includes(error.body.type ?? "");

const TIMEOUT_MS = 8_000;

export const openApi = (url: string): Api => {
  const ask = async <T>(path: string, init: RequestInit): Promise<T> => {
    const response = await reach(new URL(path, url), init);
    if (response.ok) return (await response.json()) as T;
    const body = await bodyOf(response);
    const sentence = body.detail ?? body.title ?? `The server answered ${response.status}`;
    const retryAfterMs = Number(response.headers.get("retry-after") ?? 0) * 1_000;
    throw new Refused(asSentence(sentence), body, retryAfterMs);
  };
  return {
    url,
    get: (path) => ask(path, { headers: { accept: "application/json" } }),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
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
      isLate ? `The server did not answer within ${TIMEOUT_MS / 1_000} s.` : "The server cannot be reached.",
      { cause: error },
    );
  }
};

const bodyOf = async (response: Response): Promise<Told> => {
  try {
    return ((await response.json()) as Told | null) ?? {};
  } catch {
    // not of our API: a proxy's page
    return {};
  }
};

export const asSentence = (text: string): string => {
  const whole = text.trim().replace(/^./, (first) => first.toUpperCase());
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The API that this page belongs to: the one that served it, unless whoever serves the page wrote another one into
 * `<meta name="coffee-rt-api">`.
 */
export const apiUrl = (told: string | null | undefined, pageUrl: string): string => {
  const url = new URL(told || ".", pageUrl);
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
};
