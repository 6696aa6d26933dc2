/** Orders whose sale was long ago, or within seconds of the start of an hour; a worker is killed among them. */
import type { Random } from "#shared/domain/random.ts";
import { DAY_MS, HOUR_MS, hourStart, iso, MINUTE_MS, SECOND_MS } from "#shared/domain/time.ts";
import type { Fault, Scene } from "../fault.ts";
import { end, programOf } from "./processes.ts";

/** Both sides of the thirty days that the top drinks are of. */
const MONTH_DAYS = 31;
const FAR_DAYS = 300;
const SHARE_FAR = 0.2;
const EDGE_MS = 3 * SECOND_MS;
const EDGE_HOURS = 27;
/** So far ahead an order may be. */
const MOST_AHEAD_MS = 4 * MINUTE_MS;

const longAgo = (random: Random): string => {
  const days = random.next() < SHARE_FAR ? FAR_DAYS : MONTH_DAYS;
  return iso(Date.now() - Math.floor(random.next() * days * DAY_MS));
};

/** Of this hour, the one before and so on; of the next one as soon as its orders may come. */
const nearAnHour = (random: Random): string => {
  const now = Date.now();
  const next = hourStart(now) + HOUR_MS;
  const hours = random.below(EDGE_HOURS) + (next - now < MOST_AHEAD_MS ? 0 : 1);
  const edge = next - hours * HOUR_MS;
  return iso(edge + random.below(2 * EDGE_MS) - EDGE_MS);
};

const killWorker = (scene: Scene): Promise<void> => end(programOf(scene, "worker"), "SIGKILL");

export const eventTimes: readonly Fault[] = [
  {
    name: "old-events",
    // a worker that starts may delete sales by minute that are older than the default of 31 days
    ground: { env: { MINUTES_KEEP_DAYS: "366" } },
    clients: { timestamp: longAgo },
    strike: killWorker,
    recoverWithinSeconds: 20,
  },
  { name: "hour-edge", clients: { timestamp: nearAnHour }, strike: killWorker, recoverWithinSeconds: 20 },
];
