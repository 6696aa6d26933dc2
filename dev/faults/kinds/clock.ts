/** Wrong clocks: one program's steps an hour ahead or back under load, and then it is right again. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../fault.ts";
import type { ProgramKind } from "../wiring.ts";
import { faketimeEnvironment } from "./faketime.ts";

const FILE = "clock";
const RIGHT = "+0";
const WRONG_MS = 8_000;
/** Read again every second. */
const SEEN_WITHIN_MS = 5_000;
const STEPS = [
  ["ahead", 3_600],
  ["behind", -3_600],
] as const;

/** A step is what a virtual machine sees that is resumed, or a machine whose clock is set: harder than a wrong start. */
const strike = async (scene: Scene, kind: ProgramKind, offsetSeconds: number): Promise<void> => {
  const { ground } = scene;
  const [program] = kind === "api" ? ground.apis : ground.workers;
  if (!readFileSync(`/proc/${program?.pid()}/maps`, "utf8").includes("libfaketime"))
    throw new Error(`${program?.name} runs without libfaketime`);
  const set = async (offset: string, seconds: number): Promise<void> => {
    writeFileSync(join(ground.folder, FILE), offset);
    if (kind === "api")
      await waitUntil(
        `the API's clock is ${offset} s off`,
        () => isOff(ground.urls[0], seconds),
        SEEN_WITHIN_MS,
      );
    else await sleep(SEEN_WITHIN_MS);
  };
  try {
    await set(offsetSeconds > 0 ? `+${offsetSeconds}` : String(offsetSeconds), offsetSeconds);
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
    ([direction, offsetSeconds]) =>
      ({
        name: `clock-${kind}-${direction}`,
        ground: {
          // another API, whose clock is right, takes what this one refuses for its time
          apis: 2,
          prepare: async (folder, _closers, onLine) => {
            const file = join(folder, FILE);
            writeFileSync(file, RIGHT);
            const environment = await faketimeEnvironment(file, onLine);
            return { envOf: (program) => (program === `${kind}-0` ? environment : {}) };
          },
        },
        strike: (scene: Scene) => strike(scene, kind, offsetSeconds),
        recoverWithinSeconds: 20,
      }) satisfies Fault,
  ),
);
