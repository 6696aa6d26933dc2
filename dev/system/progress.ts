/** Says what is waited for, for as long as something is: a terminal without a line for ten seconds looks like a fault. */

export type Progress = {
  /** Resolves as `work` does; meanwhile `what` is waited for. */
  during<T>(what: string, work: Promise<T>): Promise<T>;
};

const FIRST_AFTER_MS = 2_000;
const EVERY_MS = 5_000;

export const openProgress = (onLine: (line: string) => void): Progress => {
  const waiting = new Map<symbol, { readonly what: string; readonly sinceMs: number }>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (): void => {
    const texts = [...waiting.values()].map(
      ({ what, sinceMs }) => `${what} (${Math.round((performance.now() - sinceMs) / 1_000)} s)`,
    );
    onLine(`waiting for ${texts.join(", ")}`);
    timer = setTimeout(say, EVERY_MS);
  };
  return {
    during: async (what, work) => {
      const key = Symbol(what);
      waiting.set(key, { what, sinceMs: performance.now() });
      timer ??= setTimeout(say, FIRST_AFTER_MS);
      try {
        return await work;
      } finally {
        waiting.delete(key);
        if (waiting.size === 0) {
          clearTimeout(timer);
          timer = undefined;
        }
      }
    },
  };
};
