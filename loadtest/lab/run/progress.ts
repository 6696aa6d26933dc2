/** What runs, what came out, and how long it still takes: the estimate is corrected by what runs took. */

import { generatorShare, judge, type ObjectiveName, voidText } from "../judge/objectives.ts";
import { msText, numberText, percentText } from "../report/numbers.ts";
import type { Capacity } from "../search/capacity.ts";
import { estimateOf, timeText, type Work } from "./plan.ts";
import type { Run, Scale } from "./results.ts";

export type Progress = {
  /** The result is told by what it returns. */
  begin(what: string): (run: Run) => void;
  found(arrangement: string, size: number, found: Readonly<Record<ObjectiveName, Capacity>>): void;
  done(work: Work): void;
  leftSeconds(): number;
};

/** What was learned from little is not trusted beyond these. */
const [LEAST_FACTOR, MOST_FACTOR] = [0.4, 2.5];

export const openProgress = (
  works: readonly Work[],
  scale: Scale,
  tell: (line: string) => void,
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
      tell(`[${done.size + 1}/${works.length}, ${timeText(left())} left] ${what} …`);
      const fromMs = nowMs();
      return (run) => tell(`    ${resultText(run)} (${((nowMs() - fromMs) / 1_000).toFixed(1)} s)`);
    },
    found: (arrangement, size, found) =>
      tell(`    ${arrangement}, ${size} a request: ${foundText(found, size)}`),
    done: (work) => {
      done.add(work);
      doneMs = nowMs();
      expected += estimates.get(work) ?? 0;
    },
    leftSeconds: left,
  };
};

const recoveredText = (seconds: number | null): string =>
  seconds === null ? "not recovered by its end" : `recovered in ${seconds} s`;

export const resultText = (run: Run): string => {
  if (run.voids.length > 0) return voidText(run);
  if (run.varied["purpose"] === "peak")
    return `${numberText(run.load.requestsPerSecond * run.load.ordersPerRequest)} orders/s`;
  const { holds, because } = judge(run, "interactive");
  const freshness = run.freshnessMs === null ? "" : `, freshness p99 ${msText(run.freshnessMs.p99)}`;
  const verdict = holds ? "holds" : because.join("; ");
  const limit = run.bottleneck === null ? "" : `, ${run.bottleneck.resource}`;
  const fault = run.fault ? `, ${recoveredText(run.fault.recoverySeconds)}` : "";
  return `${verdict}: ack p99 ${msText(run.ackMs.p99)}${freshness}, generator ${percentText(generatorShare(run))}${limit}${fault}`;
};

const foundText = (
  { interactive, relaxed }: Readonly<Record<ObjectiveName, Capacity>>,
  size: number,
): string =>
  [["SLO-I", interactive] as const, ["SLO-R", relaxed] as const]
    .map(([name, { rate, limit }]) => `${name} ${limit ? "≥ " : ""}${numberText(rate * size)} orders/s`)
    .join(", ");
