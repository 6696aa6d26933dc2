/** The live status of a running stack: one line per mode, redrawn in place on a terminal. */
import type { Dashboard, ModeFigures } from "#shared/domain/dashboard.ts";

export type Status = {
  /** A line that stays, above the status. */
  say(line: string): void;
  close(): void;
};

const EVERY_MS = 1_000;
/** Where nothing can be redrawn, a log is not to be flooded. */
const PLAIN_EVERY_MS = 10_000;

/** `token`: where the API requires one. */
export const openStatus = (url: string, token: string | null, out: NodeJS.WriteStream): Status => {
  let drawn = 0;
  let closed = false;
  const isTerminal = out.isTTY === true;
  const erase = (): void => {
    if (drawn > 0) out.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const draw = (lines: readonly string[]): void => {
    if (isTerminal) erase();
    out.write(`${lines.join("\n")}\n`);
    drawn = isTerminal ? lines.length : 0;
  };
  let latest: readonly string[] = [];
  const look = async (): Promise<void> => {
    latest = await statusLines(url, token);
    if (!closed) draw(latest);
  };
  const timer = setInterval(look, isTerminal ? EVERY_MS : PLAIN_EVERY_MS);
  return {
    say: (line) => {
      erase();
      out.write(`${line}\n`);
      if (isTerminal && latest.length > 0) draw(latest);
    },
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
};

const statusLines = async (url: string, token: string | null): Promise<string[]> => {
  try {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(EVERY_MS);
    const response = await fetch(`${url}/api/dashboard`, { headers, signal });
    if (response.status === 401 || response.status === 403)
      return [
        `    no status: the API answers ${response.status}; set API_TOKEN to a token that may read and write`,
      ];
    const { modes, stale } = (await response.json()) as Dashboard;
    const lines = Object.entries(modes).map(([mode, figures]) => statusLine(mode, figures));
    return stale ? [...lines, "    the board is stale: no worker publishes"] : lines;
  } catch {
    return ["    the API does not answer"];
  }
};

/** Accepted is what was counted and what waits: both are the system's, not one process' since its start. */
const statusLine = (mode: string, { orders, lag, rate, freshness_ms, health }: ModeFigures): string => {
  const accepted = lag === null ? "?" : String(orders + lag);
  const fresh = freshness_ms === null ? "-" : `${Math.round(freshness_ms)} ms`;
  const cells = [
    `accepted ${accepted.padStart(8)}`,
    `counted ${String(orders).padStart(8)}`,
    `lag ${String(lag ?? "?").padStart(6)}`,
    `${rate.toFixed(1).padStart(7)}/s`,
    `freshness ${fresh.padStart(8)}`,
  ];
  return `  ${mode}  ${cells.join("   ")}   ${health}`;
};
