/**
 * npm run overload: five times what a mode can take, for some seconds. It has to keep answering (accepted, or 503 with
 * Retry-After), accept within half a second what it accepts, hold its memory, and be back to normal within 5 s.
 */
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { modes as allModes } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { drive } from "../bench/ingest/wrk.ts";
import { type System, startSystem } from "../system/launcher.ts";
import { type Figures, figuresOf, isGood, tableOf } from "./figures.ts";
import type { Load, LoadResult } from "./load.ts";

const FACTOR = 5;
const NORMAL = 0.2;
const AFTER_SECONDS = 8;
const CAPACITY_SECONDS = 4;
/** So few that none is refused: refusals would take the time of what is to be measured. */
const CONNECTIONS = 16;
const SAMPLE_EVERY_MS = 100;
const PAGE_BYTES = 4_096;
const MOST_RESULT_BYTES = 256 * 1_024 * 1_024;

/**
 * What bounds the mode: its backend, which is made slow (one order a write, one write at a time), or the API itself,
 * which has to read large batches. No generator on the same machine could send single orders at five times the API's
 * own speed.
 */
const VARIANTS = { backend: { orders: 1, isSlowed: true }, api: { orders: 200, isSlowed: false } } as const;
type Variant = keyof typeof VARIANTS;

const { values } = parseArgs({
  options: {
    mode: { type: "string" },
    seconds: { type: "string", default: "10" },
    bound: { type: "string" },
  },
});

const slowed = (mode: string): Record<string, string> => ({
  [`${mode.toUpperCase()}_GROUP_MAX_ORDERS`]: "1",
  [`${mode.toUpperCase()}_MAX_WRITES_IN_FLIGHT`]: "1",
});

const latte = { drink: "latte", store: "uptown", price: 4.5 };
const requestOf = (mode: string, orders: number): { path: string; body: string } =>
  orders === 1
    ? { path: `/api/${mode}/order`, body: JSON.stringify(latte) }
    : { path: `/api/${mode}/orders`, body: JSON.stringify(Array(orders).fill(latte)) };

/** Requests accepted per second when each connection waits for the reply to the one before. */
const capacityOf = async (url: string, body: string): Promise<number> => {
  const log = (line: string): void => console.error(line);
  const load = { url, body, connections: CONNECTIONS, seconds: CAPACITY_SECONDS };
  // a warm-up: the few refusals of a mode that is made slow do not end it
  return (await drive({ ...load, isWarmUp: true }, log)).perSecond;
};

/** What measuring the capacity left to be counted would take the time of what is measured next. */
const untilCounted = async (url: string, mode: string): Promise<void> => {
  for (;;) {
    await sleep(1_000);
    const { modes } = (await (await fetch(`${url}/api/dashboard`)).json()) as Dashboard;
    if (modes[mode]?.lag === 0) return;
  }
};

const residentBytes = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;

const generate = async (load: Load): Promise<LoadResult> => {
  const file = join(import.meta.dirname, "load.ts");
  const options = { maxBuffer: MOST_RESULT_BYTES };
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(load)], options);
  return JSON.parse(stdout) as LoadResult;
};

const drill = async (
  system: System,
  mode: string,
  orders: number,
  seconds: number,
): Promise<Omit<Figures, "bound">> => {
  const { path, body } = requestOf(mode, orders);
  const api = system.apis[0];
  const perSecond = await capacityOf(`${system.url}${path}`, body);
  await untilCounted(system.url, mode);
  const before = residentBytes(api?.pid() ?? 0);
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(api?.pid() ?? 0));
  }, SAMPLE_EVERY_MS);
  try {
    const result = await generate({
      url: system.url,
      path,
      body,
      phases: [
        { name: "overload", perSecond: perSecond * FACTOR, seconds },
        { name: "after", perSecond: perSecond * NORMAL, seconds: AFTER_SECONDS },
      ],
    });
    return figuresOf(mode, perSecond, result, { before, peak });
  } finally {
    clearInterval(sampling);
  }
};

const drillIn = async (mode: string, bound: Variant, seconds: number): Promise<Figures> => {
  const dataDir = mkdtempSync(join(tmpdir(), "coffee-rt-overload-"));
  // as root the servers run as somebody else, who has to get there
  chmodSync(dataDir, 0o755);
  const env = { LOG_LEVEL: "error", ...(VARIANTS[bound].isSlowed && slowed(mode)) };
  const system = await startSystem({ modes: [mode], dataDir, env, onLine: (line) => console.error(line) });
  try {
    return { bound, ...(await drill(system, mode, VARIANTS[bound].orders, seconds)) };
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};

try {
  const figures: Figures[] = [];
  const variants = (Object.keys(VARIANTS) as Variant[]).filter((each) => (values.bound ?? each) === each);
  for (const { name } of allModes.filter(({ name }) => values.mode === undefined || name === values.mode))
    for (const bound of variants) {
      figures.push(await drillIn(name, bound, Number(values.seconds)));
      console.log(tableOf(figures));
    }
  process.exit(figures.every(isGood) ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
