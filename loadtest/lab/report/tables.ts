/** The tables of the pages and of the HTML report, as data. None has more than seven columns. */
import { OBJECTIVE_NAMES, OBJECTIVES } from "../judge/objectives.ts";
import { medianOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { GENERATORS, type Suite } from "../run/results.ts";
import type { Capacity } from "../search/capacity.ts";
import { peakRateOf } from "../search/known-rates.ts";
import { inOrder, modeName } from "./charts/marks.ts";
import { atHalfOf, cpuPerThousandBy, halfOf } from "./costs.ts";
import { capacitiesOf, type ModeCapacity, modeCapacities, ordersPerSecond } from "./figures.ts";
import { mebibytesText, msText, numberText, sizeText, timesText } from "./numbers.ts";

export type Table = {
  /** Empty for a table that needs no heading. */
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** A row for each item; the columns by their headings. */
export const tableOf = <T>(
  title: string,
  items: readonly T[],
  columns: Readonly<Record<string, (item: T) => string>>,
): Table => ({
  title,
  head: Object.keys(columns),
  rows: items.map((item) => Object.values(columns).map((text) => text(item))),
});

export const NONE = "–";

/** A dash for a figure that is missing or zero. */
export const textOr = (value: number | null | undefined, text: (value: number) => string): string =>
  value ? text(value) : NONE;

/** Orders per second, with "≥" where the generator was the limit. */
const carriedText = ({ ordersPerRequest }: ModeCapacity, { rate, limit }: Capacity): string =>
  `${limit ? "≥ " : ""}${numberText(rate * ordersPerRequest)}`;

type Half = ReturnType<typeof halfOf>;
const repliesText = (half: Half): string => (half ? `${msText(half.ackP50)}, ${msText(half.ackP99)}` : NONE);

/** Each mode that was searched, with its capacity for single orders and for batches, and half of the former. */
const searchedModes = (suite: Suite) => {
  const capacities = modeCapacities(suite);
  return MODE_NAMES.flatMap((mode) => {
    const [single, batch] = [1, 10].map((size) =>
      capacities.find((each) => each.mode === mode && each.ordersPerRequest === size),
    );
    if (!single && !batch) return [];
    return [{ mode, single, batch, half: single ? halfOf(suite, single) : null }];
  });
};

/** The answer: what each mode carries, and its figures at half of that. */
export const answerTable = (suite: Suite): Table => {
  const carried = (capacity: ModeCapacity | undefined): string =>
    capacity ? `**${carriedText(capacity, capacity.found.interactive)}**` : NONE;
  return tableOf("", searchedModes(suite), {
    mode: ({ mode }) => modeName(mode),
    "single orders/s": ({ single }) => carried(single),
    "orders/s, ten per request": ({ batch }) => carried(batch),
    "reply p99*": ({ half }) => textOr(half?.ackP99, msText),
    "freshness p99*": ({ half }) => textOr(half?.freshnessP99, msText),
    "CPU-seconds per 1 000 orders*": ({ half }) => textOr(half?.cpuPerThousand, numberText),
    "first full resource": ({ single }) => single?.bottleneck ?? NONE,
  });
};

/** What the earlier Python system claimed without measuring it. */
const CLAIMS: Readonly<Record<string, { rate: number; ackMs: number; freshnessMs: number }>> = {
  v1: { rate: 100, ackMs: 15, freshnessMs: 60_000 },
  v2: { rate: 500, ackMs: 3, freshnessMs: 200 },
  v3: { rate: 1_000, ackMs: 5, freshnessMs: 100 },
};

export const claimsTable = (suite: Suite): Table => {
  const items = searchedModes(suite).flatMap((each) => {
    const claim = CLAIMS[each.mode];
    return claim ? [{ ...each, claim }] : [];
  });
  const measured = (capacity: ModeCapacity | undefined, claimed: number): string => {
    if (!capacity) return NONE;
    const { rate, limit } = capacity.found.interactive;
    const times = timesText((rate * capacity.ordersPerRequest) / claimed);
    return `${carriedText(capacity, capacity.found.interactive)}/s (${limit ? "≥ " : ""}${times})`;
  };
  return tableOf("", items, {
    mode: ({ mode }) => mode,
    claimed: ({ claim: { rate, ackMs, freshnessMs } }) =>
      `${numberText(rate)}/s, reply ${msText(ackMs)}, freshness ${msText(freshnessMs)}`,
    "measured, single orders": ({ single, claim }) => measured(single, claim.rate),
    "measured, ten per request": ({ batch, claim }) => measured(batch, claim.rate),
    "reply p50, p99*": ({ half }) => repliesText(half),
    "freshness p99*": ({ half }) => textOr(half?.freshnessP99, msText),
  });
};

/** Every search of an experiment at both objectives, then half of each capacity and the closed loop. */
export const capacityTables = (suite: Suite, experiment: string): Table[] => {
  const found = capacitiesOf(suite, experiment);
  const capacities = inOrder(found.map(({ mode }) => mode)).flatMap((mode) =>
    found
      .filter((each) => each.mode === mode)
      .map((capacity) => ({ ...capacity, half: halfOf(suite, capacity) })),
  );
  if (capacities.length === 0) return [];
  const arrangement = {
    // on the null route the search is for the generator's limit
    arrangement: ({ mode, variant, generator }: ModeCapacity) =>
      [modeName(mode), variant, mode === "null" ? `sent by ${generator}` : ""].filter(Boolean).join(", "),
    "orders per request": ({ ordersPerRequest }: ModeCapacity) => String(ordersPerRequest),
  };
  const searched = OBJECTIVE_NAMES.map((name) =>
    tableOf(`Capacity at ${OBJECTIVES[name].label}`, capacities, {
      ...arrangement,
      "orders/s": (each) => `**${carriedText(each, each.found[name])}**`,
      confirmed: (each) => confirmedText(each, each.found[name]),
      "fails at": ({ found: { [name]: capacity }, ordersPerRequest }) =>
        textOr(capacity.limit ? null : capacity.firstFailing?.rate, (rate) =>
          numberText(rate * ordersPerRequest),
        ),
      reason: ({ found: { [name]: capacity } }) =>
        capacity.limit
          ? `could not be measured further: ${capacity.limit.because}`
          : (capacity.firstFailing?.because ?? NONE),
      ...(name === "interactive" && { "first full resource": ({ bottleneck }) => bottleneck }),
    }),
  );
  const halves = tableOf("At half of the capacity, and the closed loop", capacities, {
    ...arrangement,
    "reply p50, p99": ({ half }) => repliesText(half),
    "freshness p99": ({ half }) => textOr(half?.freshnessP99, msText),
    "CPU-seconds per 1 000 orders": ({ half }) => textOr(half?.cpuPerThousand, numberText),
    memory: ({ half }) => textOr(half?.memoryBytes, mebibytesText),
    "closed loop (wrk), orders/s": ({ mode, ordersPerRequest: size }) =>
      textOr(peakRateOf(suite, mode, size), (rate) => numberText(rate * size)),
  });
  return [...searched, halves];
};

/** "1 546–1 549 (min..max of 3)": orders per second that the confirmations acknowledged. */
const confirmedText = ({ ordersPerRequest }: ModeCapacity, { interval, isConfirmed }: Capacity): string => {
  if (!interval || !isConfirmed) return "no";
  const [low, high] = [interval.low, interval.high].map((rate) => numberText(rate * ordersPerRequest));
  return `${low}–${high} (${interval.by} of ${interval.count})`;
};

/** A process is full at this many cores: it can use one, and the rest is for peaks of seconds. */
export const FULL_AT_CORES = 0.7;

/** What each process needs at half of each mode's capacity. */
export const sizingTable = (suite: Suite): Table => {
  const capacities = modeCapacities(suite).filter(({ mode }) => MODE_NAMES.includes(mode));
  const items = capacities.flatMap((capacity) => {
    const { mode, ordersPerRequest, found } = capacity;
    const runs = atHalfOf(suite, capacity);
    const rate = runs[0] ? ordersPerSecond(runs[0]) : 0;
    const carried = carriedText(capacity, found.interactive);
    const load = `${modeName(mode)}, ${sizeText(ordersPerRequest)}: ${numberText(rate)} of ${carried} orders/s`;
    return Object.keys(runs[0]?.resources ?? {}).flatMap((name) => {
      const costs = runs.flatMap((run) => cpuPerThousandBy(run, name) ?? []);
      if (GENERATORS.has(name) || costs.length === 0) return [];
      const cost = medianOf(costs);
      const memory = medianOf(runs.flatMap((run) => run.resources[name]?.peakRssBytes ?? []));
      // an order costs less at higher rates, so these figures hold near this rate only
      return [{ load, name, cost, memory, cores: (cost * rate) / 1_000 }];
    });
  });
  return tableOf("", items, {
    load: ({ load }) => load,
    process: ({ name }) => name,
    "CPU-seconds per 1 000 orders": ({ cost }) => numberText(cost),
    memory: ({ memory }) => mebibytesText(memory),
    cores: ({ cores }) => numberText(cores),
    // v1 counts in one worker, and a server grows instead of getting a second process
    processes: ({ name, cores }) =>
      /^(order-api|worker-v[23])$/.test(name) ? String(Math.ceil(cores / FULL_AT_CORES)) : "1",
  });
};
