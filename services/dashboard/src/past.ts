/** Reads the history that is looked at, and again while it is: the latest wish alone counts. */
import { type Api, messageOf } from "./api.ts";
import { barsOf, type Range, type SalesPage, salesPath } from "./history.ts";
import type { Bar } from "./minutes.ts";

export type PastState = {
  readonly loaded: {
    readonly bars: readonly Bar[];
    readonly range: Range;
    readonly mode: string;
    /** When it was read, by the server's clock. */
    readonly readMs: number;
  } | null;
  /** Why it could not be read when it was asked for last. */
  readonly problem: string | null;
  /** Something else than what is loaded was asked for, or the same again by hand. */
  readonly isLoading: boolean;
  /** Of what was asked for last, without the API's own address. */
  readonly path: string;
};
export type Past = {
  /** Asks when it is another one, or was asked for a while ago. `nowMs` by the server's clock. */
  want(range: Range, mode: string, nowMs: number): void;
  again(): void;
  state(): PastState;
};

/** The running bucket grows; a look at it twice a minute is often enough. */
const LOOK_EVERY_MS = 30_000;

export const openPast = (api: Api, onMove: () => void): Past => {
  let state: PastState = { loaded: null, problem: null, isLoading: true, path: "" };
  let wish: { readonly range: Range; readonly mode: string; readonly nowMs: number } | null = null;
  let askedAtMs = 0;

  const read = async (): Promise<void> => {
    // the same wish asked for once more is another question: the earlier one's answer does not count any more
    const mine = wish === null ? null : { ...wish };
    wish = mine;
    if (mine === null) return;
    askedAtMs = performance.now();
    const path = salesPath(mine.range, mine.mode, mine.nowMs);
    state = { ...state, path };
    try {
      const page = await api.get<SalesPage>(path);
      if (wish !== mine) return;
      const { range, mode, nowMs } = mine;
      const loaded = { bars: barsOf(page, nowMs), range, mode, readMs: nowMs };
      state = { path, loaded, problem: null, isLoading: false };
    } catch (error) {
      if (wish !== mine) return;
      state = { ...state, problem: messageOf(error), isLoading: false };
    }
    onMove();
  };
  return {
    want: (range, mode, nowMs) => {
      const isSame = wish?.range === range && wish.mode === mode;
      if (isSame && performance.now() - askedAtMs < LOOK_EVERY_MS) return;
      wish = { range, mode, nowMs };
      // of one mode nothing is shown under the name of another, whatever becomes of the question
      if (!isSame) state = { ...state, loaded: null, problem: null, isLoading: true };
      void read();
    },
    again: () => {
      state = { ...state, isLoading: true };
      onMove();
      void read();
    },
    state: () => state,
  };
};
