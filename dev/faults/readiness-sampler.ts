/** Asks /readyz of each API a few times a second, on a connection of its own. */
import { Agent, get } from "node:http";
import { json } from "node:stream/consumers";
import { type Sample, stateOf } from "./readiness.ts";

export type ReadinessSampler = {
  readonly samples: readonly Sample[];
  close(): void;
};

const EVERY_MS = 250;
/** /readyz asks no server: an API that takes longer is not reachable. */
const ANSWER_WITHIN_MS = 1_000;

export const sampleReadiness = (urls: readonly string[], mode: string): ReadinessSampler => {
  const samples: Sample[] = [];
  const closing = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const agents = urls.map((url) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sample = async (): Promise<void> => {
      const askedMs = performance.now();
      const state = await ask(url, mode, agent, closing.signal);
      if (closing.signal.aborted) return;
      samples.push({ url, askedMs, answeredMs: performance.now(), state });
      const timer = setTimeout(() => {
        timers.delete(timer);
        void sample();
      }, EVERY_MS);
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

const ask = async (
  url: string,
  mode: string,
  agent: Agent,
  closing: AbortSignal,
): Promise<Sample["state"]> => {
  const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), closing]);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  get(`${url}/readyz`, { agent, signal }, (response) => json(response).then(resolve, reject)).on(
    "error",
    reject,
  );
  try {
    return stateOf(await promise, mode);
  } catch {
    // refused, reset or late: an API that does not answer says nothing
    return "none";
  }
};
