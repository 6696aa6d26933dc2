/** Sends an overload and the normal load after it, in a process of its own: requests at planned times, an open loop. */
import { openConnections } from "../../../../dev/system/client/connections.ts";
import { paced } from "../../../../dev/system/client/pacing.ts";
import { waitUntil } from "../../../../dev/system/wait.ts";
import { serveParent } from "../../run/child-process.ts";

export type Sending = {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  /** One after the other. */
  readonly phases: readonly { readonly perSecond: number; readonly seconds: number }[];
};

/** Times in milliseconds since the start of the first phase; the latency counts from the planned time. */
export type Reply = {
  readonly plannedMs: number;
  readonly sentMs: number;
  readonly latencyMs: number;
  /** 0 without a reply. */
  readonly status: number;
};

export type SentLoad = {
  readonly startMs: number;
  readonly endMs: number;
  readonly replies: readonly Reply[];
  /** How late requests were sent, without the time in which every connection was in use. */
  readonly lagsMs: readonly number[];
};

/** With all of them waiting for a reply the next request is sent late. */
const MOST_UNDER_WAY = 2_000;
const REPLY_WITHIN_MS = 5_000;

const send = async ({ url, path, body, phases }: Sending): Promise<SentLoad> => {
  const connections = openConnections(url, REPLY_WITHIN_MS);
  const replies: Reply[] = [];
  const lagsMs: number[] = [];
  try {
    // clients have their connections already: a server accepts one in each turn of its event loop
    await connections.openAhead(MOST_UNDER_WAY);
    const startMs = Date.now();
    const zeroMs = performance.now();
    let fromMs = 0;
    for (const { perSecond, seconds } of phases) {
      const phaseMs = fromMs;
      await paced(
        {
          durationMs: seconds * 1_000,
          offsetOf: (iteration) => (iteration * 1_000) / perSecond,
          mayGo: () => connections.underWay() < MOST_UNDER_WAY,
          send: (_iteration, offsetMs, roomSinceMs) => {
            const plannedMs = phaseMs + offsetMs;
            const dueMs = phaseMs + Math.max(offsetMs, roomSinceMs);
            connections.post(path, body, null, ({ sentMs, endMs, status }) => {
              lagsMs.push(sentMs - zeroMs - dueMs);
              replies.push({
                ...{ plannedMs, sentMs: sentMs - zeroMs, status },
                latencyMs: endMs - zeroMs - plannedMs,
              });
            });
          },
        },
        zeroMs + phaseMs,
      );
      fromMs += seconds * 1_000;
    }
    await waitUntil("every request has ended", () => connections.underWay() === 0, 2 * REPLY_WITHIN_MS);
    return { startMs, endMs: Date.now(), replies, lagsMs };
  } finally {
    await connections.close();
  }
};

serveParent(send);
