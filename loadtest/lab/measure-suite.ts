/** The experiments of a command: what they plan, and the runs that a suite lacks of them. */
import { findK6, type K6 } from "../generator.ts";
import { turnedDownBy } from "./experiments/layout.ts";
import {
  estimateOf,
  neededPeer,
  needsK6,
  planOf,
  type Selection,
  textOfWork,
  timeText,
} from "./experiments/plan.ts";
import { environmentOf, type Pinning, takeGeneratorCores } from "./run/environment.ts";
import { missingPeers } from "./run/peers.ts";
import { grafanaIn, marking, openProgress } from "./run/progress.ts";
import { openRemoteSystem } from "./run/remote-system.ts";
import { openSuite } from "./run/result-files.ts";
import type { Suite } from "./run/results.ts";
import type { Lab } from "./run/run.ts";
import { measuresOf, type SuiteRun } from "./run/suite.ts";
import { openTestBed } from "./run/test-bed.ts";
import { doAll } from "./run/work.ts";

export const log = (line: string): void => console.error(line);

export const printPlan = ({ experiments, scale, modes, seed }: Selection) => {
  const works = planOf({ experiments, scale, modes, seed });
  const seconds = works.reduce((sum, work) => sum + estimateOf(work, scale), 0);
  for (const work of works) log(`  ${textOfWork(work, scale)}`);
  log(`about ${timeText(seconds)}, less what is done`);
  return 0;
};

export type Selected = Selection & {
  readonly mayWipe: boolean;
  readonly folder: string;
  readonly pinning: Pinning;
  readonly commit: string;
};

/** Does what the suite in `folder` lacks of the selected experiments. */
export const measured = async (
  { experiments, scale, modes, seed, mayWipe, folder, pinning, commit }: Selected,
  signal: AbortSignal,
): Promise<{ readonly suite: Suite; readonly failed: number }> => {
  const found = await findK6(process.env);
  const planned = planOf({ experiments, scale, modes, seed });
  const peers = planned.flatMap((work) => neededPeer(work) ?? []);
  const missing = await missingPeers([...new Set(peers)], log);
  const works = planned.filter((work) => {
    const peer = neededPeer(work);
    return (found.k6 !== null || !needsK6(work)) && (peer === null || !missing.has(peer));
  });
  const progress = openProgress(works, scale, log);
  log(
    `${experiments.map(({ id }) => id).join(", ")} at scale ${scale}, ${modes.join(", ")}: about ${timeText(progress.leftSeconds())}, less what is done`,
  );
  log(`results: ${folder}; pinning: ${pinning.inWords}`);
  const isWithoutK6 = found.k6 === null && planned.some(needsK6);
  if (isWithoutK6) log(`${found.missing}: E0 does not compare the generator with k6`);
  const leftOut = [...missing].map(([{ name }, why]) => `${name} is left out: ${why}`);
  for (const line of leftOut) log(line);
  const turnedDown = [
    ...turnedDownBy(scale),
    ...experiments.flatMap((experiment) => experiment.turnedDown?.(scale) ?? []),
    ...(isWithoutK6 ? ["E0: not compared with k6"] : []),
    ...leftOut,
    ...(modes.length < 3 ? [`modes ${modes.join(", ")} alone`] : []),
  ];
  const about = { scale, seed, commit, pinning, k6Version: found.k6?.version ?? null, turnedDown };
  const suite = openSuite(folder, await environmentOf(about));
  return withLab(pinning, found.k6, { mayWipe, signal }, async (lab) => {
    const grafana = grafanaIn(process.env);
    const own = measuresOf(lab);
    const measures = grafana === null ? own : marking(own, grafana, log);
    const suiteRun: SuiteRun = { measures, folder, suite, progress, runs: 0 };
    const failed = await doAll(suiteRun, works, log);
    return { suite: suiteRun.suite, failed };
  });
};

/** Starts generator, servers and programs on their cores, and stops them after the work, whether it fails or not. */
export const withLab = async <T>(
  pinning: Pinning,
  k6: K6 | null,
  { mayWipe, signal }: { readonly mayWipe: boolean; readonly signal: AbortSignal },
  work: (lab: Lab) => Promise<T>,
): Promise<T> => {
  await takeGeneratorCores(pinning);
  const environment = process.env;
  const testBed = environment["BASE_URL"]
    ? openRemoteSystem(environment, mayWipe)
    : openTestBed({ pinning, environment, mayWipe, log, signal });
  try {
    return await work({ testBed, k6, pinning, signal });
  } finally {
    await testBed.close();
  }
};
