/** All load profiles; both generators know one that is added to the list. */
import { CUSTOMER_SHARES, PERCENT_BY_HOUR } from "../../../shared/domain/demand.ts";
import type { Arrivals, Profile, Stage } from "./profile.ts";

/** Single orders of any customer and nothing else, from the base rate on. */
const ORDERS_ALONE = {
  from: 1,
  arrivals: [{ name: "orders", sends: "orders", customers: "anybody", share: 1 }] as readonly Arrivals[],
  watchers: 0,
  stopsAtLimit: false,
};

const steady = (name: string, description: string, perSecond: number, seconds: number): Profile => ({
  ...ORDERS_ALONE,
  name,
  description,
  perSecond,
  stages: [{ seconds, factor: 1 }],
});

/** For `seconds` at one factor, from one moment to the next. */
const held = (factor: number, seconds: number): readonly Stage[] => [
  { seconds: 0, factor },
  { seconds, factor },
];

/** One peak alone, for the laboratory: what it leaves behind is not mixed with another peak's. */
const peaks = [2, 5, 10].map(
  (peak): Profile => ({
    ...ORDERS_ALONE,
    name: `peak-${peak}`,
    description: `one peak of ${peak} times the rate for 10 s, with 10 s of calm before and 20 s after`,
    perSecond: 50,
    stages: [{ seconds: 10, factor: 1 }, ...held(peak, 10), ...held(1, 20)],
  }),
);

const HOURS = Object.values(PERCENT_BY_HOUR);
const MEAN_PERCENT = HOURS.reduce((sum, percent) => sum + percent, 0) / HOURS.length;
const SECONDS_PER_HOUR = 20;

const { regular, lover, app, rush, group } = CUSTOMER_SHARES;

export const profiles: readonly Profile[] = [
  steady("smoke", "a check that everything works: five orders a second for ten seconds", 5, 10),
  steady("baseline", "a rate that every mode carries easily: 50 a second for a minute", 50, 60),
  {
    ...ORDERS_ALONE,
    name: "steps",
    description: "a staircase of 1, 2, 4, 8 and 16 times the rate, half a minute each, to find the knee",
    perSecond: 50,
    stages: [{ seconds: 30, factor: 1 }, ...[2, 4, 8, 16].flatMap((factor) => held(factor, 30))],
  },
  {
    ...ORDERS_ALONE,
    name: "spike",
    description: "peaks of 2, 5 and 10 times the rate, each followed by calm: backlog and time to recover",
    perSecond: 50,
    stages: [
      { seconds: 20, factor: 1 },
      ...[2, 5, 10].flatMap((peak) => [...held(peak, 10), ...held(1, 30)]),
    ],
  },
  steady("soak", "leaks, bloat and drift: 100 a second for an hour, or for DURATION seconds", 100, 3_600),
  {
    ...ORDERS_ALONE,
    name: "breakpoint",
    description: "a slope from 0 to 100 times the rate in ten minutes; ends when an objective is missed",
    perSecond: 50,
    from: 0,
    stages: [{ seconds: 600, factor: 100 }],
    stopsAtLimit: true,
  },
  {
    ...steady("websocket", "a thousand open dashboards and 50 orders a second for a minute: fan-out", 50, 60),
    watchers: 1_000,
  },
  {
    ...ORDERS_ALONE,
    name: "morning-rush",
    description: "a shop's day from 7:00 to 21:00, an hour in 20 s: the rate is the mean of its open hours",
    perSecond: 50,
    from: 0,
    stages: [...HOURS, 0].map((percent) => ({ seconds: SECONDS_PER_HOUR, factor: percent / MEAN_PERCENT })),
  },
  {
    ...ORDERS_ALONE,
    name: "customers",
    description:
      "all kinds of customers: regulars of one store, lovers of one drink, users of the app who also read the dashboard, and any others",
    perSecond: 50,
    stages: [{ seconds: 120, factor: 1 }],
    arrivals: [
      { name: "orders", sends: "orders", customers: "anybody", share: rush + group },
      { name: "regulars", sends: "orders", customers: "regulars", share: regular },
      { name: "lovers", sends: "orders", customers: "lovers", share: lover },
      { name: "app", sends: "orders", customers: "app", share: app },
      { name: "readers", sends: "dashboards", customers: "app", share: app },
    ],
    watchers: 20,
  },
  steady(
    "constant",
    "one point of an experiment: RATE requests a second for DURATION seconds, after WARM_UP seconds at the same rate",
    100,
    30,
  ),
  ...peaks,
];

/** Throws an Error that lists the names. */
export const profileNamed = (name: string): Profile => {
  const found = profiles.find((profile) => profile.name === name);
  if (found) return found;
  throw new Error(
    `PROFILE is "${name}": expected one of ${profiles.map((profile) => profile.name).join(", ")}.`,
  );
};
