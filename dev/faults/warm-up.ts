/** Whether a run was well before its fault: orders were acknowledged at about the rate at which they were sent. */
import type { Entry } from "../system/account.ts";
import type { Sample } from "./readiness.ts";

export type WarmUp = {
  /** Orders that were due before the strike, long enough ago for a reply. */
  readonly sent: number;
  readonly acknowledged: number;
  /** The last answer of every API's /readyz before the strike was ok. */
  readonly ready: boolean;
};

/** The time that an order has for its reply. */
const REPLY_MS = 500;
const LEAST_SHARE = 0.5;
/** The clients send about 60 requests a second for at least 3 s. */
const LEAST_SENT = 60;

export const warmUpOf = (
  entries: readonly Entry[],
  samples: readonly Sample[],
  urls: readonly string[],
  strikeMs: number,
): WarmUp => {
  const due = entries.filter(({ dueMs }) => dueMs <= strikeMs - REPLY_MS);
  const isInTime = ({ acknowledgedMs }: Entry): boolean =>
    acknowledgedMs !== null && acknowledgedMs <= strikeMs;
  const lastOf = (url: string): Sample | undefined =>
    samples.findLast((sample) => sample.url === url && sample.answeredMs <= strikeMs);
  return {
    sent: due.length,
    acknowledged: due.filter(isInTime).length,
    ready: urls.every((url) => lastOf(url)?.state === "ok"),
  };
};

/** Why the run says nothing about its fault; null when it was well. `warmUp` is null when the run ended before the strike. */
export const warmUpProblem = (warmUp: WarmUp | null): string | null => {
  if (warmUp === null) return "the run ended before its fault";
  const { sent, acknowledged, ready } = warmUp;
  if (sent < LEAST_SENT) return `only ${sent} orders were sent before the fault`;
  if (acknowledged < sent * LEAST_SHARE)
    return `only ${acknowledged} of ${sent} orders were acknowledged before the fault`;
  return ready ? null : "/readyz was not ok before the fault";
};
