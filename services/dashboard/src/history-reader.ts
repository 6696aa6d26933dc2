/** Reads sales of a range, and again twice a minute. Only the latest request counts. */
import { type Api, messageOf } from "./api.ts";
import { type Bar, barsOf, type Range, type SalesPage, salesPath } from "./sales-bars.ts";

export type HistoryState = {
  readonly loaded: {
    readonly bars: readonly Bar[];
    readonly range: Range;
    readonly mode: string;
    /** When it was read, by the server's clock. */
    readonly readMs: number;
  } | null;
  /** The error of the last request; null after a success. */
  readonly problem: string | null;
  /** A range or mode that is not loaded was requested, or a retry by hand is running. */
  readonly isLoading: boolean;
  /** The path of the last request, without the API's address. */
  readonly path: string;
};
export type HistoryReader = {
  /** Sends a request for another range or mode, or when the last one is a while ago. `nowMs` is by the server's clock. */
  want(range: Range, mode: string, nowMs: number): void;
  retry(): void;
  state(): HistoryState;
};

/** Often enough for the current bucket, which grows. */
const READ_EVERY_MS = 30_000;

export const openHistoryReader = (api: Api, onChange: () => void): HistoryReader => {
  let state: HistoryState = { loaded: null, problem: null, isLoading: true, path: "" };
  let wanted: { readonly range: Range; readonly mode: string; readonly nowMs: number } | null = null;
  let requestedAtMs = 0;

  const read = async (): Promise<void> => {
    // a new object each time: the reply of an earlier request for the same range no longer counts
    const mine = wanted === null ? null : { ...wanted };
    wanted = mine;
    if (mine === null) return;
    requestedAtMs = performance.now();
    const path = salesPath(mine.range, mine.mode, mine.nowMs);
    state = { ...state, path };
    try {
      const page = await api.get<SalesPage>(path);
      if (wanted !== mine) return;
      const { range, mode, nowMs } = mine;
      const loaded = { bars: barsOf(page, nowMs), range, mode, readMs: nowMs };
      state = { path, loaded, problem: null, isLoading: false };
    } catch (error) {
      if (wanted !== mine) return;
      state = { ...state, problem: messageOf(error), isLoading: false };
    }
    onChange();
  };
  return {
    want: (range, mode, nowMs) => {
      const isSame = wanted?.range === range && wanted.mode === mode;
      if (isSame && performance.now() - requestedAtMs < READ_EVERY_MS) return;
      wanted = { range, mode, nowMs };
      // never show the sales of one mode or range as those of another, even if the request fails
      if (!isSame) state = { ...state, loaded: null, problem: null, isLoading: true };
      void read();
    },
    retry: () => {
      state = { ...state, isLoading: true };
      onChange();
      void read();
    },
    state: () => state,
  };
};
