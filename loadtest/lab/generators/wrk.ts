/**
 * Closed-loop load by wrk (https://github.com/wg/wrk): in C, it takes a tenth of the time that a generator in Node
 * does, which on two cores is taken from what is measured.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { debianProgram } from "../../../dev/system/servers/apt.ts";

export type WrkLoad = {
  readonly url: string;
  readonly body: string;
  readonly connections: number;
  readonly seconds: number;
  /** Refusals do not fail it: of a program that has just started, or where only the accepted requests matter. */
  readonly mayRefuse?: boolean;
};

const run = promisify(execFile);

export type Accepted = {
  readonly requests: number;
  readonly perSecond: number;
  /** Of a closed loop: of little use beyond comparing. */
  readonly latencyMs: Readonly<Record<"p50" | "p90" | "p95" | "p99" | "p999" | "max", number>>;
};

/** Throws when a request was answered otherwise than with 2xx, or not at all. */
export const drive = async (
  { url, body, connections, seconds, mayRefuse = false }: WrkLoad,
  log: (line: string) => void,
  onStart: (pid: number) => void = () => undefined,
): Promise<Accepted> => {
  const { command, env } = await debianProgram("wrk", log);
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-wrk-"));
  try {
    const script = join(folder, "order.lua");
    writeFileSync(script, scriptOf(body));
    const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url];
    const running = run(command, args, { env: { ...process.env, ...env } });
    onStart(running.child.pid ?? 0);
    const { stdout } = await running;
    const { requests, refused, perSecond, latencyMs } = resultIn(stdout);
    if (refused > 0 && !mayRefuse)
      throw new Error(`${url}: ${refused} requests were refused, ${requests} accepted; the round is void`);
    return { requests, perSecond, latencyMs };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Bodies are JSON, in which a long bracket of this level cannot stand by chance. */
const scriptOf = (body: string): string => `
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [===[${body}]===]
done = function(summary, latency)
  local e = summary.errors
  local l = {}
  for i, p in ipairs({50, 90, 95, 99, 99.9, 100}) do l[i] = string.format("%d", latency:percentile(p)) end
  print(string.format("RESULT %d %d %d %s", summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout, table.concat(l, " ")))
end`;

const resultIn = (output: string): Accepted & { readonly refused: number } => {
  const found = /^RESULT ([\d ]+)$/m.exec(output)?.[1];
  if (found === undefined) throw new Error(`unexpected output of wrk: ${output}`);
  const [all = 0, microseconds = 0, refused = 0, ...latencies] = found.split(" ").map(Number);
  const requests = all - refused;
  const [p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0] = latencies.map((each) => each / 1_000);
  const latencyMs = { p50, p90, p95, p99, p999, max };
  return { requests, refused, perSecond: requests / (microseconds / 1e6), latencyMs };
};
