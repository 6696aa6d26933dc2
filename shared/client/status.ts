/** What a page tells its reader about the data it shows. */
export type Status = {
  /**
   * `connecting` until the first dashboard; `live`; `stale`: connected, and the data is old, because nobody publishes;
   * `behind`: connected to a server that shows less than was seen before, which is not shown; `disconnected`: trying
   * again; `closed` by the caller.
   */
  readonly phase: Phase;
  /** When the phase began, by the client's clock; milliseconds since 1970. */
  readonly sinceMs: number;
  /** How old the data is; null without data. */
  readonly ageMs: number | null;
  /** In words, as `live, data 0.4 s old`. */
  readonly text: string;
};

export type Phase = "connecting" | "live" | "stale" | "behind" | "disconnected" | "closed";

/** As the server has it: a board is read at least every second, so this old means that nobody publishes. */
const STALE_AFTER_MS = 5_000;

export const isOld = (ageMs: number | null): boolean => ageMs !== null && ageMs > STALE_AFTER_MS;

export const statusOf = (phase: Phase, sinceMs: number, dataFromMs: number | null, nowMs: number): Status => {
  const ageMs = dataFromMs === null ? null : Math.max(0, nowMs - dataFromMs);
  const words: Record<Phase, string> = {
    connecting: "connecting",
    live: "live",
    stale: "stale",
    behind: "the server is behind what is shown",
    disconnected: `disconnected for ${seconds(nowMs - sinceMs)}`,
    closed: "closed",
  };
  const age = ageMs === null ? "" : `, data ${seconds(ageMs)} old`;
  return { phase, sinceMs, ageMs, text: words[phase] + age };
};

const seconds = (ms: number): string =>
  ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
