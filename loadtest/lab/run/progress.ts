/** What runs, what came out, and how long it still takes: the estimate is corrected by what runs took. */

import { messageOf } from "#shared/runtime/lifecycle.ts";
import { estimateOf, timeText, type Work } from "../experiments/plan.ts";
import { generatorShare, judge, type ObjectiveName, voidText } from "../judge/objectives.ts";
import { msText, numberText, percentText } from "../report/numbers.ts";
import type { Capacity } from "../search/capacity.ts";
import type { Found } from "./result-files.ts";
import type { Run, Scale } from "./results.ts";
import type { Measures } from "./suite.ts";

export type Progress = {
  /** Call what it returns with the result. */
  begin(what: string): (run: Run) => void;
  found(arrangement: string, size: number, found: Readonly<Record<ObjectiveName, Capacity>>): void;
  done(work: Work): void;
  leftSeconds(): number;
  log(line: string): void;
};

/** What was learned from little is not trusted beyond these. */
const [LEAST_FACTOR, MOST_FACTOR] = [0.4, 2.5];

export const openProgress = (
  works: readonly Work[],
  scale: Scale,
  log: (line: string) => void,
  nowMs: () => number = () => performance.now(),
): Progress => {
  const estimates = new Map(works.map((work) => [work, estimateOf(work, scale)]));
  const startedMs = nowMs();
  let doneMs = startedMs;
  let expected = 0;
  const done = new Set<Work>();
  const left = (): number => {
    const rest = [...estimates].reduce((sum, [work, seconds]) => sum + (done.has(work) ? 0 : seconds), 0);
    // what runs now is only expected to take what it was thought to
    const factor = expected === 0 ? 1 : (doneMs - startedMs) / 1_000 / expected;
    const whole = rest * Math.min(MOST_FACTOR, Math.max(LEAST_FACTOR, factor));
    const under = (nowMs() - doneMs) / 1_000;
    return Math.max(0, whole - under);
  };
  return {
    begin: (what) => {
      log(`[${done.size + 1}/${works.length}, ${timeText(left())} left] ${what} …`);
      const fromMs = nowMs();
      return (run) => log(`    ${resultText(run)} (${((nowMs() - fromMs) / 1_000).toFixed(1)} s)`);
    },
    found: (arrangement, size, found) =>
      log(`    ${arrangement}, ${size} a request: ${foundText(found, size)}`),
    done: (work) => {
      done.add(work);
      doneMs = nowMs();
      expected += estimates.get(work) ?? 0;
    },
    leftSeconds: left,
    log,
  };
};

const recoveredText = (seconds: number | null): string =>
  seconds === null ? "not recovered by its end" : `recovered in ${seconds} s`;

/** Of a run whose rate is its result. */
const rateText = ({ load, varied }: Run): string => {
  const purpose = String(varied["purpose"]);
  return purpose === "peak"
    ? `${numberText(load.requestsPerSecond * load.ordersPerRequest)} orders/s`
    : `${purpose}: ${numberText(load.requestsPerSecond)}/s`;
};

export const resultText = (run: Run): string => {
  if (run.voids.length > 0) return voidText(run);
  if (run.load.generator === undefined) return rateText(run);
  const { holds, because } = judge(run, "interactive");
  const freshness = run.freshnessMs === null ? "" : `, freshness p99 ${msText(run.freshnessMs.p99)}`;
  const verdict = holds ? "holds" : because.join("; ");
  const limit = run.bottleneck === null ? "" : `, ${run.bottleneck.resource}`;
  const fault = run.fault ? `, ${recoveredText(run.fault.recoverySeconds)}` : "";
  return `${verdict}: reply p99 ${msText(run.ackMs.p99)}${freshness}, generator ${percentText(generatorShare(run))}${limit}${fault}`;
};

const foundText = (
  { interactive, relaxed }: Readonly<Record<ObjectiveName, Capacity>>,
  size: number,
): string =>
  [["SLO-I", interactive] as const, ["SLO-R", relaxed] as const]
    .map(([name, { rate, limit }]) => `${name} ${limit ? "≥ " : ""}${numberText(rate * size)} orders/s`)
    .join(", ");

/** Marks runs on Grafana's boards, where the environment names a Grafana: each phase of a run, once all of it is over. */

/** The board of the lab shows what has this tag. */
export const LAB_TAG = "coffee-rt-lab";
/** A Grafana that does not answer holds up no laboratory. */
const ANSWERS_WITHIN_MS = 5_000;

export type Grafana = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** By GRAFANA_URL, with GRAFANA_TOKEN or a name and a password in the address; null without. */
export const grafanaIn = (environment: Readonly<Record<string, string | undefined>>): Grafana | null => {
  const given = environment["GRAFANA_URL"];
  if (!given) return null;
  const { origin, pathname, username, password } = new URL(given);
  const token = environment["GRAFANA_TOKEN"];
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token) headers["authorization"] = `Bearer ${token}`;
  else if (username) headers["authorization"] = `Basic ${basic.toString("base64")}`;
  return { url: `${origin}${pathname.replace(/\/+$/, "")}/api/annotations`, headers };
};

export type Mark = {
  readonly text: string;
  readonly tags: readonly string[];
  readonly time: number;
  readonly timeEnd: number;
};

/** Phases follow one another from the beginning of the run. */
export const marksOf = ({ run, took }: Pick<Found, "run" | "took">): readonly Mark[] => {
  let time = Date.parse(run.startedAt);
  return Object.entries(took).map(([phase, seconds]) => {
    const from = time;
    time += Math.round(seconds * 1_000);
    const text = `${run.experiment} ${run.mode} ${run.point}: ${phase}`;
    return { text, tags: [LAB_TAG], time: from, timeEnd: time };
  });
};

/** The same measures, with their runs marked; a refusal by Grafana is logged and fails no run. */
export const marking = (
  measures: Measures,
  { url, headers }: Grafana,
  log: (line: string) => void,
): Measures => {
  const mark = async (each: Mark): Promise<void> => {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(each), signal });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    await response.arrayBuffer();
  };
  return {
    ...measures,
    run: async (order, place) => {
      const found = await measures.run(order, place);
      try {
        for (const each of marksOf(found)) await mark(each);
      } catch (error) {
        log(`this run is not marked in Grafana: ${messageOf(error)}`);
      }
      return found;
    },
  };
};
