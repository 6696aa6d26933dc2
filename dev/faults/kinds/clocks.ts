/** Wrong clocks of one program under load, and orders whose own times are old or near the start of an hour. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "#shared/domain/random.ts";
import { DAY_MS, HOUR_MS, hourStart, iso, MINUTE_MS, SECOND_MS } from "#shared/domain/time.ts";
import type { Settings } from "../../system/programs.ts";
import { fromPackage, type Sought } from "../../system/servers/apt.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import type { ProgramKind } from "../system.ts";
import { endProcess, programOf } from "./processes.ts";

/** Where Debian and Ubuntu put it, and its own `make install`; MT is the library for programs with threads. */
const FOLDERS = ["usr/lib", "usr/local/lib", "usr/lib64"];
const LIBRARY = join("faketime", "libfaketimeMT.so.1");

const libfaketime: Sought<string> = {
  name: "libfaketime",
  find: async (root) => {
    const folders = FOLDERS.map((folder) => join(root, folder)).filter(existsSync);
    const within = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    return [...folders, ...within].map((folder) => join(folder, LIBRARY)).find(existsSync) ?? null;
  },
  unpacked: async () => ["libfaketime"],
  whatToDo:
    "not run: libfaketime is missing and could not be installed (on Debian: apt-get install libfaketime)",
};

/**
 * Settings with which a program's clock is off by what the file says: "+3600", or "+0". It is read again every second.
 * Timers stay right: they use the monotonic clock, which a wrong date does not change.
 */
const faketimeSettings = async (file: string, onLine: (line: string) => void): Promise<Settings> => ({
  LD_PRELOAD: await fromPackage(libfaketime, onLine),
  FAKETIME_TIMESTAMP_FILE: file,
  FAKETIME_CACHE_DURATION: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  DONT_FAKE_MONOTONIC: "1",
});

const FILE = "clock";
const RIGHT = "+0";
const WRONG_MS = 8_000;
const STEPPED_WITHIN_MS = 5_000;
const STEPS = [
  ["ahead", 3_600],
  ["behind", -3_600],
] as const;

/** A step is what a resumed virtual machine sees, or a machine whose clock is set: harder than a wrong start. */
const stepClock = async (
  { system }: Scene,
  kind: ProgramKind,
  offset: string,
  seconds: number,
): Promise<void> => {
  const [program] = kind === "api" ? system.apis : system.workers;
  if (!readFileSync(`/proc/${program?.pid()}/maps`, "utf8").includes("libfaketime"))
    throw new Error(`${program?.name} runs without libfaketime`);
  const set = async (text: string, off: number): Promise<void> => {
    writeFileSync(join(system.folder, FILE), text);
    const isStepped = () => isOff(system.urls[0], off);
    if (kind === "api") await waitUntil(`the API's clock is ${off} s off`, isStepped, STEPPED_WITHIN_MS);
    else await sleep(STEPPED_WITHIN_MS);
  };
  try {
    await set(offset, seconds);
    await sleep(WRONG_MS);
  } finally {
    await set(RIGHT, 0);
  }
};

const isOff = async (url: string | undefined, seconds: number): Promise<boolean> => {
  const { server_timestamp } = (await (await fetch(`${url}/api/dashboard`)).json()) as {
    server_timestamp: string;
  };
  return Math.round((Date.parse(server_timestamp) - Date.now()) / 10_000) === Math.round(seconds / 10);
};

export const clocks: readonly Fault[] = (["api", "worker"] as const).flatMap((kind) =>
  STEPS.map(
    ([direction, seconds]): Fault => ({
      name: `clock-${kind}-${direction}`,
      setup: {
        // another API, whose clock is right, accepts what this one rejects for its time
        apis: 2,
        prepare: async ({ mode, folder, onLine }) => {
          const file = join(folder, FILE);
          writeFileSync(file, RIGHT);
          const settings = await faketimeSettings(file, onLine);
          const first = kind === "api" ? "order-api" : `worker-${mode}`;
          return { envOf: (program) => (program === first ? settings : {}) };
        },
      },
      strike: (scene) => stepClock(scene, kind, seconds > 0 ? `+${seconds}` : String(seconds), seconds),
      recoverWithinSeconds: 20,
    }),
  ),
);

/** Past the thirty days that the top drinks cover. */
const MONTH_DAYS = 31;
const FAR_DAYS = 300;
const SHARE_FAR = 0.2;
const EDGE_MS = 3 * SECOND_MS;
const EDGE_HOURS = 27;
/** Below the 5 minutes that an order may be ahead. */
const MOST_AHEAD_MS = 4 * MINUTE_MS;

const longAgo = (random: Random): string => {
  const days = random.next() < SHARE_FAR ? FAR_DAYS : MONTH_DAYS;
  return iso(Date.now() - Math.floor(random.next() * days * DAY_MS));
};

/** Within seconds of the start of one of the last hours, or of the next one as soon as its orders are accepted. */
const nearAnHour = (random: Random): string => {
  const now = Date.now();
  const next = hourStart(now) + HOUR_MS;
  const hours = random.below(EDGE_HOURS) + (next - now < MOST_AHEAD_MS ? 0 : 1);
  return iso(next - hours * HOUR_MS + random.below(2 * EDGE_MS) - EDGE_MS);
};

const killWorker = (scene: Scene): Promise<void> => endProcess(programOf(scene, "worker"), "SIGKILL");

export const eventTimes: readonly Fault[] = [
  {
    name: "old-events",
    // a worker that starts may delete sales by minute that are older than the default of 31 days
    setup: { env: { MINUTES_KEEP_DAYS: "366" } },
    clients: { timestamp: longAgo },
    strike: killWorker,
    recoverWithinSeconds: 20,
  },
  { name: "hour-edge", clients: { timestamp: nearAnHour }, strike: killWorker, recoverWithinSeconds: 20 },
];
