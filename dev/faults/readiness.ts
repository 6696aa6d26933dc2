/**
 * Samples what /readyz of each API reports about the mode, and compares it with the replies to the orders on that API.
 * Promise: readiness is what an order meets, and /readyz follows within 2 s both ways.
 *
 * A disagreement is a period in which all decided orders had one result and every answer of /readyz said the other.
 * Times are milliseconds of performance.now(). Every period is the shortest that the times prove: a request or a sample
 * says something about a moment between its start and its end, so a period starts with an end and ends with a start.
 */
import { Agent, get } from "node:http";
import { json } from "node:stream/consumers";
import type { Received } from "../system/client/connections.ts";

/** One answer of /readyz. */
export type Sample = {
  readonly url: string;
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly state: ReadinessState;
};

/** `none`: no answer, or one from an API that is stopping. It says nothing about the mode. */
export type ReadinessState = "ok" | "unavailable" | "lagging" | "none";

/** One order request whose reply says whether the mode accepts. */
export type OrderRequest = {
  readonly url: string;
  readonly sentMs: number;
  readonly decidedMs: number;
  readonly result: OrderResult;
};

export type OrderResult = "acknowledged" | "refused";

type Period = { readonly fromMs: number; readonly untilMs: number };

/** /readyz follows the orders within this time. */
const FOLLOWS_WITHIN_MS = 2_000;
/** Two busy cores delay samples and replies. */
const TOLERANCE_MS = 1_000;
/** A disagreement has to last longer to be a problem. */
const LEAST_MS = FOLLOWS_WITHIN_MS + TOLERANCE_MS;
/** A longer pause between two samples, or between two order requests, ends a period: nothing is known about it. */
const MAX_GAP_MS = 1_000;

/** Refusals by the load on the API, not by the backend. Readiness stays ok: other orders are accepted meanwhile. */
const LOAD_TYPES: ReadonlySet<string> = new Set(["queue-full", "timeout", "overloaded", "closing"]);

/**
 * What a reply with the problem `type`, or none in time, says about the mode; null when it says nothing. Lag is a
 * refusal here: `lagging` is not ok.
 */
export const resultOf = (
  { status, failure }: Pick<Received, "status" | "failure">,
  type = "",
): OrderResult | null => {
  if (failure !== null) return failure === "timeout" ? "refused" : null;
  if (status < 300) return "acknowledged";
  return status >= 500 && !LOAD_TYPES.has(type) ? "refused" : null;
};

/** The state of `mode` in an answer of /readyz. */
export const stateOf = (answer: unknown, mode: string): ReadinessState => {
  const { ready, stopping, modes } = answer as Readiness;
  if (stopping) return "none";
  const health = modes?.[mode]?.health;
  if (health === "lagging") return "lagging";
  return ready && health === "ok" ? "ok" : "unavailable";
};

type Readiness = { ready?: boolean; stopping?: boolean; modes?: Record<string, { health?: string }> };

/** A sentence for each disagreement that lasted longer than /readyz may take to follow. */
export const readinessProblems = (
  mode: string,
  samples: readonly Sample[],
  requests: readonly OrderRequest[],
): string[] => {
  const urls = [...new Set(requests.map(({ url }) => url))];
  return urls.flatMap((url) => {
    const said = samples.filter((sample) => sample.url === url);
    const met = requests.filter((request) => request.url === url);
    if (said.every(({ state }) => state === "none")) return [`/readyz of ${url} never answered`];
    return [
      ...disagreements(mode, said, met, "refused", ["ok"]),
      ...disagreements(mode, said, met, "acknowledged", ["unavailable", "lagging"]),
    ];
  });
};

const disagreements = (
  mode: string,
  samples: readonly Sample[],
  requests: readonly OrderRequest[],
  result: OrderResult,
  states: readonly ReadinessState[],
): string[] => {
  const spans = requests.map(({ sentMs, decidedMs, result: each }) =>
    span(sentMs, decidedMs, each === result),
  );
  const met = periodsOf(spans);
  return states.flatMap((state) => {
    const said = periodsOf(
      samples.map(({ askedMs, answeredMs, state: each }) => span(askedMs, answeredMs, each === state)),
    );
    return overlaps(said, met)
      .filter(({ fromMs, untilMs }) => untilMs - fromMs > LEAST_MS)
      .map(({ fromMs, untilMs }) => {
        const count = requests.filter(({ decidedMs }) => decidedMs >= fromMs && decidedMs <= untilMs).length;
        const seconds = ((untilMs - fromMs) / 1_000).toFixed(1);
        return `readyz reported ${mode} ${state} for ${seconds} s in which all ${count} order requests were ${result}`;
      });
  });
};

/** From `startMs` to `endMs`; `holds`: it has the state or the result that a period is about. */
type Span = { readonly startMs: number; readonly endMs: number; readonly holds: boolean };

const span = (startMs: number, endMs: number, holds: boolean): Span => ({ startMs, endMs, holds });

/**
 * The periods in which every span holds, as far as they can be long enough for a problem. A span that does not hold
 * excludes all of its time, from its start to its end. A period starts with the end of its first span and ends with
 * the start of its last one.
 */
const periodsOf = (spans: readonly Span[]): Period[] => {
  const others = spans.filter(({ holds }) => !holds);
  const holding = spans.filter(({ holds }) => holds).sort((a, b) => a.startMs - b.startMs);
  const long = freeOf(others).filter(({ fromMs, untilMs }) => untilMs - fromMs > LEAST_MS);
  return long.flatMap((free) => {
    const inside = holding.filter(({ startMs, endMs }) => endMs >= free.fromMs && startMs <= free.untilMs);
    return withoutGaps(inside).flatMap((run) => {
      const firstEndMs = run.reduce((first, { endMs }) => Math.min(first, endMs), Number.POSITIVE_INFINITY);
      const lastStartMs = run.at(-1)?.startMs ?? Number.NEGATIVE_INFINITY;
      const fromMs = Math.max(free.fromMs, firstEndMs);
      const untilMs = Math.min(free.untilMs, lastStartMs);
      return untilMs > fromMs ? [{ fromMs, untilMs }] : [];
    });
  });
};

/** The time outside of all spans. */
const freeOf = (spans: readonly Span[]): Period[] => {
  const free: Period[] = [];
  let fromMs = Number.NEGATIVE_INFINITY;
  for (const { startMs, endMs } of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    if (startMs > fromMs) free.push({ fromMs, untilMs: startMs });
    fromMs = Math.max(fromMs, endMs);
  }
  return [...free, { fromMs, untilMs: Number.POSITIVE_INFINITY }];
};

/** Splits spans, sorted by their start, where nothing is known for longer than MAX_GAP_MS. */
const withoutGaps = (sorted: readonly Span[]): Span[][] => {
  const runs: Span[][] = [];
  let coveredMs = Number.NEGATIVE_INFINITY;
  for (const each of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && each.startMs - coveredMs <= MAX_GAP_MS) last.push(each);
    else runs.push([each]);
    coveredMs = Math.max(coveredMs, each.endMs);
  }
  return runs;
};

const overlaps = (some: readonly Period[], others: readonly Period[]): Period[] =>
  some.flatMap((a) =>
    others.flatMap((b) => {
      const fromMs = Math.max(a.fromMs, b.fromMs);
      const untilMs = Math.min(a.untilMs, b.untilMs);
      return untilMs > fromMs ? [{ fromMs, untilMs }] : [];
    }),
  );

export type ReadinessSampler = {
  readonly samples: readonly Sample[];
  close(): void;
};

const SAMPLE_EVERY_MS = 250;
/** /readyz waits for no server: an API that takes longer is not reachable. */
const ANSWER_WITHIN_MS = 1_000;

/** Reads /readyz of each API four times a second, on a connection of its own. */
export const sampleReadiness = (urls: readonly string[], mode: string): ReadinessSampler => {
  const samples: Sample[] = [];
  const closing = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const agents = urls.map((url) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sample = async (): Promise<void> => {
      const askedMs = performance.now();
      const state = await readState(url, mode, agent, closing.signal);
      if (closing.signal.aborted) return;
      samples.push({ url, askedMs, answeredMs: performance.now(), state });
      const timer = setTimeout(() => {
        timers.delete(timer);
        void sample();
      }, SAMPLE_EVERY_MS);
      timers.add(timer);
    };
    void sample();
    return agent;
  });
  return {
    samples,
    close: () => {
      closing.abort();
      for (const timer of timers) clearTimeout(timer);
      for (const agent of agents) agent.destroy();
    },
  };
};

const readState = async (
  url: string,
  mode: string,
  agent: Agent,
  closing: AbortSignal,
): Promise<ReadinessState> => {
  const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), closing]);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const request = get(`${url}/readyz`, { agent, signal }, (response) => json(response).then(resolve, reject));
  request.on("error", reject);
  try {
    return stateOf(await promise, mode);
  } catch {
    // refused, reset or late: an API that does not answer says nothing
    return "none";
  }
};
