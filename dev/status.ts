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
    const { lines, isDenied } = await readStatus(url, token);
    if (isDenied) clearInterval(timer);
    if (closed) return;
    latest = lines;
    draw(latest);
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

/** `isDenied`: another request with this token would be denied as well. */
type Read = { readonly lines: readonly string[]; readonly isDenied?: true };

const readStatus = async (url: string, token: string | null): Promise<Read> => {
  try {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(EVERY_MS);
    const response = await fetch(`${url}/api/dashboard`, { headers, signal });
    if (response.status === 401 || response.status === 403)
      return {
        lines: [
          `    no status: the API answers ${response.status} to API_TOKEN, which needs the right to read`,
        ],
        isDenied: true,
      };
    const { modes, stale } = (await response.json()) as Dashboard;
    const lines = Object.entries(modes).map(([mode, figures]) => statusLine(mode, figures));
    return { lines: stale ? [...lines, "    the board is stale: no worker publishes"] : lines };
  } catch {
    return { lines: ["    the API does not answer"] };
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
