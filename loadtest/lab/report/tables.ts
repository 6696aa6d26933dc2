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

export const NONE = "–";

/** A dash for a figure that is missing or zero. */
export const textOr = (value: number | null | undefined, text: (value: number) => string): string =>
  value ? text(value) : NONE;

/** Orders per second, with "≥" where the generator was the limit. */
const carriedText = ({ rate, limit }: Capacity, ordersPerRequest: number): string =>
  `${limit ? "≥ " : ""}${numberText(rate * ordersPerRequest)}`;

const [SINGLE, BATCH] = [1, 10];

/** A mode's capacities for single orders and for batches; undefined where it was not searched. */
const bothSizes = (capacities: readonly ModeCapacity[], mode: string) =>
  [SINGLE, BATCH].map((size) =>
    capacities.find((each) => each.mode === mode && each.ordersPerRequest === size),
  );

/** The answer: what each mode carries, and its figures at half of that. */
export const answerTable = (suite: Suite): Table => {
  const capacities = modeCapacities(suite);
  const rows = MODE_NAMES.flatMap((mode) => {
    const [single, batch] = bothSizes(capacities, mode);
    if (!single && !batch) return [];
    const half = single && halfOf(suite, single);
    const cells = [
      modeName(mode),
      ...[single, batch].map((each) =>
        each ? `**${carriedText(each.found.interactive, each.ordersPerRequest)}**` : NONE,
      ),
      textOr(half?.ackP99, msText),
      textOr(half?.freshnessP99, msText),
      textOr(half?.cpuPerThousand, numberText),
      single?.bottleneck ?? NONE,
    ];
    return [cells];
  });
  const head = ["mode", "single orders/s", "orders/s, ten per request", "reply p99*", "freshness p99*"];
  return { title: "", head: [...head, "CPU-seconds per 1 000 orders*", "first full resource"], rows };
};

/** "v1 · PostgreSQL, workers 2"; on the null route the search is for the generator's limit. */
const arrangementText = ({ mode, variant, generator }: ModeCapacity): string =>
  [modeName(mode), variant, mode === "null" ? `sent by ${generator}` : ""].filter(Boolean).join(", ");

const sorted = (capacities: readonly ModeCapacity[]): ModeCapacity[] => {
  const modes = inOrder(capacities.map(({ mode }) => mode));
  return [...capacities].sort(
    (a, b) => modes.indexOf(a.mode) - modes.indexOf(b.mode) || a.ordersPerRequest - b.ordersPerRequest,
  );
};

/** Every search of an experiment at both objectives, then half of each capacity and the closed loop. */
export const capacityTables = (suite: Suite, experiment: string): Table[] => {
  const capacities = sorted(capacitiesOf(suite, experiment));
  if (capacities.length === 0) return [];
  const searched = OBJECTIVE_NAMES.map((name): Table => {
    const head = ["arrangement", "orders per request", "orders/s", "confirmed", "fails at", "reason"];
    const rows = capacities.map((capacity) => [
      ...searchCells(capacity, capacity.found[name]),
      ...(name === "interactive" ? [capacity.bottleneck] : []),
    ]);
    const last = name === "interactive" ? ["first full resource"] : [];
    return { title: `Capacity at ${OBJECTIVES[name].label}`, head: [...head, ...last], rows };
  });
  const halves = capacities.map((capacity) => {
    const { mode, ordersPerRequest } = capacity;
    const half = halfOf(suite, capacity);
    const peak = peakRateOf(suite, mode, ordersPerRequest);
    return [
      ...[arrangementText(capacity), String(ordersPerRequest)],
      half ? `${msText(half.ackP50)}, ${msText(half.ackP99)}` : NONE,
      textOr(half?.freshnessP99, msText),
      textOr(half?.cpuPerThousand, numberText),
      textOr(half?.memoryBytes, mebibytesText),
      textOr(peak && peak * ordersPerRequest, numberText),
    ];
  });
  const head = ["arrangement", "orders per request", "reply p50, p99", "freshness p99"];
  return [
    ...searched,
    {
      title: "At half of the capacity, and the closed loop",
      head: [...head, "CPU-seconds per 1 000 orders", "memory", "closed loop (wrk), orders/s"],
      rows: halves,
    },
  ];
};

/** "1 548", "1 546–1 549 (min..max of 3)" acknowledged by the confirmations, "1 628", why; in orders per second. */
const searchCells = (capacity: ModeCapacity, found: Capacity): string[] => {
  const { ordersPerRequest } = capacity;
  const { interval, isConfirmed, firstFailing, limit } = found;
  const orders = (requests: number): string => numberText(requests * ordersPerRequest);
  return [
    ...[arrangementText(capacity), String(ordersPerRequest), `**${carriedText(found, ordersPerRequest)}**`],
    interval && isConfirmed
      ? `${orders(interval.low)}–${orders(interval.high)} (${interval.by} of ${interval.count})`
      : "no",
    limit || !firstFailing ? NONE : orders(firstFailing.rate),
    limit ? `could not be measured further: ${limit.because}` : (firstFailing?.because ?? NONE),
  ];
};

/** What the earlier Python system claimed without measuring it. */
const CLAIMS = [
  { mode: "v1", claimed: 100, ackMs: 15, freshnessMs: 60_000 },
  { mode: "v2", claimed: 500, ackMs: 3, freshnessMs: 200 },
  { mode: "v3", claimed: 1_000, ackMs: 5, freshnessMs: 100 },
] as const;

export const claimsTable = (suite: Suite): Table => {
  const capacities = modeCapacities(suite);
  const rows = CLAIMS.map(({ mode, claimed, ackMs, freshnessMs }) => {
    const both = bothSizes(capacities, mode);
    const measured = both.map((each) => {
      if (!each) return NONE;
      const { rate, limit } = each.found.interactive;
      const text = carriedText(each.found.interactive, each.ordersPerRequest);
      return `${text}/s (${limit ? "≥ " : ""}${timesText((rate * each.ordersPerRequest) / claimed)})`;
    });
    const half = both[0] && halfOf(suite, both[0]);
    return [
      mode,
      `${numberText(claimed)}/s, reply ${msText(ackMs)}, freshness ${msText(freshnessMs)}`,
      ...measured,
      half ? `${msText(half.ackP50)}, ${msText(half.ackP99)}` : NONE,
      textOr(half?.freshnessP99, msText),
    ];
  });
  const head = ["mode", "claimed", "measured, single orders", "measured, ten per request"];
  return { title: "", head: [...head, "reply p50, p99*", "freshness p99*"], rows };
};

/** A process is full at this many cores: it can use one, and the rest is for peaks of seconds. */
export const FULL_AT_CORES = 0.7;

/** What each process needs at half of each mode's capacity. */
export const sizingTable = (suite: Suite): Table => {
  const head = ["load", "process", "CPU-seconds per 1 000 orders", "memory", "cores", "processes"];
  const rows = modeCapacities(suite)
    .filter(({ mode }) => MODE_NAMES.includes(mode))
    .flatMap((capacity) => {
      const { mode, ordersPerRequest, found } = capacity;
      const runs = atHalfOf(suite, capacity);
      if (!runs[0]) return [];
      const rate = ordersPerSecond(runs[0]);
      const carried = numberText(found.interactive.rate * ordersPerRequest);
      const load = `${modeName(mode)}, ${sizeText(ordersPerRequest)}: ${numberText(rate)} of ${carried} orders/s`;
      const processes = Object.keys(runs[0].resources).filter((name) => !GENERATORS.has(name));
      return processes.flatMap((name) => {
        const costs = runs.flatMap((run) => cpuPerThousandBy(run, name) ?? []);
        if (costs.length === 0) return [];
        // an order costs less at higher rates, so these figures hold near this rate only
        const cores = (medianOf(costs) * rate) / 1_000;
        const memory = medianOf(runs.flatMap((run) => run.resources[name]?.peakRssBytes ?? []));
        const cells = [load, name, numberText(medianOf(costs)), mebibytesText(memory)];
        return [[...cells, numberText(cores), processesText(name, cores)]];
      });
    });
  return { title: "", head, rows };
};

/** v1 counts in one worker, and a server grows instead of getting a second process. */
const processesText = (name: string, cores: number): string =>
  /^(order-api|worker-v[23])$/.test(name) ? String(Math.ceil(cores / FULL_AT_CORES)) : "1";
