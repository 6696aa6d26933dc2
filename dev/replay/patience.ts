/**
 * Asking again while a stack is busy, restarting or away, until nothing has succeeded for too long.
 */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause, retrying } from "#shared/runtime/retry.ts";
import type { Reply } from "./client.ts";

export type Patience = {
  /** The first reply that is not "try again". Rejects when the patience is over, at abort, and for other errors. */
  ask(call: () => Promise<Reply>, signal: AbortSignal): Promise<Reply>;
  /** What is wrong at the moment, null while it goes well. */
  trouble(): string | null;
};

/** The connection was not made or broke: a server that restarts. Sending again is safe, keys see to that. */
const CONNECTION_ERRORS: ReadonlySet<string | undefined> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);
/** 408 and 429 ask for it; 5xx is a server, or a proxy before it, that is full, away or stopping. */
const isBusy = (status: number): boolean => status === 408 || status === 429 || status >= 500;
/** A server that asks for more is asked before that: it may have said so just before it was restarted. */
const MOST_RETRY_AFTER_MS = 10_000;

class Busy extends Error {}

/** `limitMs` is how long nothing at all may succeed, over everything that is asked by it. */
export const openPatience = (limitMs: number): Patience => {
  let failing: { readonly sinceMs: number; readonly reason: string } | null = null;
  const failed = (error: unknown): boolean => {
    const isPassing = error instanceof Busy || CONNECTION_ERRORS.has((error as NodeJS.ErrnoException).code);
    if (isPassing) failing = { sinceMs: failing?.sinceMs ?? Date.now(), reason: messageOf(error) };
    return isPassing && Date.now() - (failing?.sinceMs ?? 0) < limitMs;
  };
  return {
    trouble: () => failing?.reason ?? null,
    ask: (call, signal) =>
      retrying(
        async () => {
          const reply = await call();
          if (isBusy(reply.status)) {
            await pause(Math.min(reply.retryAfterMs, MOST_RETRY_AFTER_MS), signal);
            throw new Busy(`the stack answers ${reply.status}: ${reasonIn(reply)}`);
          }
          failing = null;
          return reply;
        },
        { signal, isRetryable: failed, onRetry: () => undefined },
      ),
  };
};

/** The reason in a reply of type problem+json, field by field; else the beginning of its text. */
export const reasonIn = ({ status, body }: Reply): string => {
  try {
    const { detail, title } = JSON.parse(body) as { detail?: unknown; title?: unknown };
    return String(detail ?? title ?? `status ${status}`);
  } catch {
    // A proxy's page, or nothing at all.
    return body.trim().slice(0, 200) || `status ${status}`;
  }
};
