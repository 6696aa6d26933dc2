/** Rates that change: how far it goes, and what a peak leaves behind. */
import { PERCENT_BY_HOUR } from "../../shared/domain/demand.ts";
import { held, ORDERS_ALONE, type Profile } from "./profile.ts";

export const steps: Profile = {
  name: "steps",
  description: "a staircase of 1, 2, 4, 8 and 16 times the rate, half a minute each: where the knee is",
  perSecond: 50,
  from: 1,
  stages: [{ seconds: 30, factor: 1 }, ...[2, 4, 8, 16].flatMap((factor) => held(factor, 30))],
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: false,
};

export const spike: Profile = {
  name: "spike",
  description: "peaks of 2, 5 and 10 times the rate, each followed by calm: backlog, and the time to recover",
  perSecond: 50,
  from: 1,
  stages: [{ seconds: 20, factor: 1 }, ...[2, 5, 10].flatMap((peak) => [...held(peak, 10), ...held(1, 30)])],
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: false,
};

/** One peak alone, for the laboratory: what it leaves behind is not mixed with another's. */
export const peaks: readonly Profile[] = [2, 5, 10].map((peak) => ({
  name: `peak-${peak}`,
  description: `one peak of ${peak} times the rate for 10 s, after as much calm and before twice as much`,
  perSecond: 50,
  from: 1,
  stages: [{ seconds: 10, factor: 1 }, ...held(peak, 10), ...held(1, 20)],
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: false,
}));

export const breakpoint: Profile = {
  name: "breakpoint",
  description:
    "a slope from nothing to 100 times the rate in ten minutes; it ends where an objective is missed",
  perSecond: 50,
  from: 0,
  stages: [{ seconds: 600, factor: 100 }],
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: true,
};

const HOURS = Object.values(PERCENT_BY_HOUR);
const MEAN_PERCENT = HOURS.reduce((sum, percent) => sum + percent, 0) / HOURS.length;
const SECONDS_PER_HOUR = 20;

export const morningRush: Profile = {
  name: "morning-rush",
  description:
    "a shop's day from seven to nine in the evening, an hour in 20 s: the rate is the mean of its open hours",
  perSecond: 50,
  from: 0,
  stages: [...HOURS, 0].map((percent) => ({ seconds: SECONDS_PER_HOUR, factor: percent / MEAN_PERCENT })),
  arrivals: ORDERS_ALONE,
  watchers: 0,
  stopsAtLimit: false,
};
