/** Raw samples of a run, compressed: from them every percentile can be made again by hand. */
import { gzipSync } from "node:zlib";
import { rounded } from "../judge/usage.ts";
import type { Told } from "./output.ts";

/** Beyond it a run's samples stay out of git, whose patience is with everybody's clones. */
const MOST_COMMITTED_BYTES = 256 * 1_024;

const OUTCOMES = { acknowledged: "a", refused: "r", unknown: "u" } as const;

/**
 * Two kinds of lines: `o,` planned (ms since the measured time began), sent so late (ms), replied after (ms, from the
 * planned time), outcome; and `f,` seen (ms since then), age (ms).
 */
export const samplesText = ({ startMs, requests, visible }: Told): string =>
  [
    "# o,plannedMs,lagMs,latencyMs,outcome (a acknowledged, r refused, u unknown); f,seenMs,freshnessMs",
    ...requests.map(
      ({ plannedAtMs, lagMs, latencyMs, outcome }) =>
        `o,${rounded(plannedAtMs - startMs, 1)},${rounded(lagMs, 1)},${rounded(latencyMs, 1)},${OUTCOMES[outcome]}`,
    ),
    ...visible.map(({ atMs, freshnessMs }) => `f,${rounded(atMs - startMs, 1)},${rounded(freshnessMs, 1)}`),
    "",
  ].join("\n");

/** The name says whether it is small enough for git; .gitignore has the other one. */
export const samplesFile = (told: Told): { readonly name: string; readonly bytes: Buffer } => {
  const bytes = gzipSync(samplesText(told), { level: 9 });
  const isSmall = bytes.length <= MOST_COMMITTED_BYTES;
  return { name: isSmall ? "samples.csv.gz" : "samples.large.csv.gz", bytes };
};
