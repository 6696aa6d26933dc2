/** One rate from beginning to end. */
import { ORDERS_ALONE, type Profile } from "./profile.ts";

const steady = (name: string, description: string, perSecond: number, seconds: number): Profile => ({
  name,
  description,
  perSecond,
  from: 1,
  stages: [{ seconds, factor: 1 }],
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: false,
});

export const smoke = steady("smoke", "does it work at all: five orders a second for ten seconds", 5, 10);

export const baseline = steady(
  "baseline",
  "a busy chain of shops, which every mode has to find easy: 50 a second for a minute",
  50,
  60,
);

export const soak = steady(
  "soak",
  "leaks, bloat and drift: 100 a second for an hour; DURATION in seconds makes it longer",
  100,
  3_600,
);

export const constant = steady(
  "constant",
  "one point of an experiment: RATE requests a second for DURATION seconds, after WARM_UP seconds at the same rate",
  100,
  30,
);
