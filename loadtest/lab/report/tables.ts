/** The tables of a report, as data: the page and the HTML report have the same ones. */

import { judge, OBJECTIVES, voidText } from "../judge/objectives.ts";
import { medianOf } from "../judge/statistics.ts";
import { generatorOf, type Run, type Suite } from "../run/results.ts";
import type { Capacity } from "../search/capacity.ts";
import { peakRateOf } from "../search/known-rates.ts";
import { inOrder, modeName } from "./charts/marks.ts";
import {
  capacitiesOf,
  cpuPerThousand,
  halfOf,
  isPeak,
  isSearched,
  isValid,
  type ModeCapacity,
  memoryBytes,
  ordersPerSecond,
  runsOf,
  variantOf,
} from "./figures.ts";
import { mebibytesText, msText, numberText, percentText, timesText, withUnit } from "./numbers.ts";

export type Table = { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

const NONE = "–";

/** The first screen's: what each mode carries, and what half of it is like. */
export const answerTable = (suite: Suite): Table => {
  const head = [
    "mode",
    "orders per request",
    "capacity at SLO-I, orders/s",
    "confirmed",
    "fails at",
    "sent by",
    "closed loop's peak (wrk)",
    "at half: ack p99",
    "freshness p99",
    "CPU-seconds per 1 000 orders",
    "memory",
    "first bottleneck",
    "durability",
  ];
  const capacities = capacitiesOf(suite, "E0", "E2").filter(({ variant }) => variant === "");
  const rows = sortedByMode(capacities).map((capacity) => {
    const half = halfOf(suite, capacity);
    return [
      modeName(capacity.mode),
      String(capacity.ordersPerRequest),
      ...capacityCells(capacity.found.interactive, capacity.ordersPerRequest),
      capacity.generator,
      peakCell(suite, capacity),
      half ? msText(half.ackP99) : NONE,
      half?.freshnessP99 ? msText(half.freshnessP99) : NONE,
      half?.cpuPerThousand ? numberText(half.cpuPerThousand) : NONE,
      half ? mebibytesText(half.memoryBytes) : NONE,
      capacity.bottleneck,
      capacity.durability,
    ];
  });
  return { head, rows };
};

/** Orders per second: what a mode does when clients only ever wait for replies, however late these are. */
const peakCell = (suite: Suite, { mode, ordersPerRequest }: ModeCapacity): string => {
  const peak = peakRateOf(suite, mode, ordersPerRequest);
  return peak === null ? NONE : numberText(peak * ordersPerRequest);
};

const sortedByMode = (capacities: readonly ModeCapacity[]): ModeCapacity[] => {
  const modes = inOrder(capacities.map(({ mode }) => mode));
  return [...capacities].sort(
    (a, b) => modes.indexOf(a.mode) - modes.indexOf(b.mode) || a.ordersPerRequest - b.ordersPerRequest,
  );
};

/** "1 548", "1 546–1 549 (min..max of 3)" as acknowledged by the confirmations, "1 628"; in orders per second. */
const capacityCells = (capacity: Capacity, ordersPerRequest: number): string[] => {
  const { rate, interval, isConfirmed, firstFailing, limit } = capacity;
  const orders = (requests: number): string => numberText(requests * ordersPerRequest);
  const confirmed =
    interval && isConfirmed
      ? `${orders(interval.low)}–${orders(interval.high)} (${interval.by} of ${interval.count})`
      : "no";
  const failing = firstFailing ? orders(firstFailing.rate) : NONE;
  return [
    `${limit ? "≥ " : ""}**${orders(rate)}**`,
    confirmed,
    limit ? `no more could be measured: ${limit.because}` : failing,
  ];
};

/** Every search of an experiment, at both objectives. */
export const capacityTable = (suite: Suite, experiment: string): Table => {
  const { interactive, relaxed } = OBJECTIVES;
  const head = [
    "mode",
    "orders per request",
    "varied",
    `${interactive.label}, orders/s`,
    "confirmed",
    "fails at",
    "why",
    `${relaxed.label}, orders/s`,
    "confirmed",
    "fails at",
    "why",
    "bottleneck",
  ];
  const rows = sortedByMode(capacitiesOf(suite, experiment)).map((capacity) => {
    const { mode, ordersPerRequest, variant, found, bottleneck } = capacity;
    const both = [found.interactive, found.relaxed].flatMap((each) => [
      ...capacityCells(each, ordersPerRequest),
      each.firstFailing?.because ?? NONE,
    ]);
    return [modeName(mode), String(ordersPerRequest), variant || NONE, ...both, bottleneck];
  });
  return { head, rows };
};

type Column = {
  readonly head: string;
  /** Null where the runs have no such figure. */
  of(run: Run): number | null;
  text(value: number): string;
};

const COLUMNS: readonly Column[] = [
  { head: "runs", of: () => 1, text: numberText },
  { head: "orders/s", of: ordersPerSecond, text: numberText },
  { head: "ack p50", of: ({ ackMs }) => ackMs.p50, text: msText },
  { head: "ack p99", of: ({ ackMs }) => ackMs.p99, text: msText },
  { head: "freshness p99", of: ({ freshnessMs }) => freshnessMs?.p99 ?? null, text: msText },
  { head: "errors", of: ({ errorShare }) => errorShare, text: percentText },
  { head: "refused", of: ({ ledger }) => ledger.refused, text: numberText },
  { head: "unknown", of: ({ ledger }) => ledger.unknown, text: numberText },
  { head: "lost", of: ({ audit }) => audit.lost, text: numberText },
  { head: "counted twice", of: ({ audit }) => audit.countedTwice, text: numberText },
  { head: "drained", of: ({ drainedSeconds }) => drainedSeconds, text: (value) => withUnit(value, "s") },
  { head: "CPU-seconds per 1 000", of: cpuPerThousand, text: numberText },
  { head: "memory", of: memoryBytes, text: mebibytesText },
  { head: "down", of: ({ fault }) => fault?.downtimeSeconds ?? null, text: (value) => withUnit(value, "s") },
  {
    head: "recovered",
    of: ({ fault }) => (fault ? (fault.recoverySeconds ?? Number.POSITIVE_INFINITY) : null),
    text: (value) => (Number.isFinite(value) ? withUnit(value, "s") : "not by its end"),
  },
  { head: "frames/s", of: ({ websocket }) => websocket?.framesPerSecond ?? null, text: numberText },
  { head: "delay p99", of: ({ websocket }) => websocket?.delayP99 ?? null, text: msText },
];

/** Runs that are no search's points, those of the same point as one line of medians. Lost and twice are sums. */
export const runsTable = (suite: Suite, experiment: string): Table => {
  const runs = runsOf(suite, experiment).filter((run) => isValid(run) && !isSearched(run));
  const columns = COLUMNS.filter(({ of }) => runs.some((run) => of(run) !== null));
  const groups = Map.groupBy(runs, ({ point, durability }) => `${point}|${durability}`);
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const cells = columns.map(({ head, of, text }) => {
      const values = group.flatMap((run) => of(run) ?? []);
      const isSum = ["runs", "lost", "counted twice"].includes(head);
      const value = isSum
        ? values.reduce((sum, each) => sum + each, 0)
        : medianOf([...values, ...(values.length === 0 ? [0] : [])]);
      return values.length === 0 ? NONE : text(value);
    });
    const varied = variantOf(first);
    return [[first.point, varied || NONE, ...cells, senderOf(first), first.durability]];
  });
  return { head: ["point", "varied", ...columns.map(({ head }) => head), "sent by", "durability"], rows };
};

const senderOf = (run: Run): string => (isPeak(run) ? "wrk" : generatorOf(run));

/** Every run and whether it counts. */
export const validityTable = (runs: readonly Run[]): Table => ({
  head: ["point", "run", "counts", "SLO-I", "ack p99", "freshness p99", "bottleneck"],
  rows: runs.map((run) => {
    const { holds, because } = judge(run, "interactive");
    return [
      run.point,
      `${run.repetition}${run.attempt > 1 ? `, attempt ${run.attempt}` : ""}`,
      isValid(run) ? "yes" : voidText(run),
      holds ? "holds" : because.join("; "),
      msText(run.ackMs.p99),
      run.freshnessMs ? msText(run.freshnessMs.p99) : NONE,
      run.bottleneck ? `${run.bottleneck.resource} (${run.bottleneck.because})` : "not found",
    ];
  }),
});

/** What the earlier system of the same name said of itself and never measured. */
const CLAIMS = [
  { mode: "v1", claimed: 100, ackMs: 15, freshnessMs: 60_000 },
  { mode: "v2", claimed: 500, ackMs: 3, freshnessMs: 200 },
  { mode: "v3", claimed: 1_000, ackMs: 5, freshnessMs: 100 },
] as const;

export const claimsTable = (suite: Suite): Table => {
  const capacities = capacitiesOf(suite, "E2").filter(({ variant }) => variant === "");
  const sizes = [...new Set(capacities.map(({ ordersPerRequest }) => ordersPerRequest))].sort(
    (a, b) => a - b,
  );
  const head = [
    "mode",
    "claimed",
    ...sizes.map((size) => `measured, ${size} per request`),
    "reply time claimed",
    "at half: ack p50, p99",
    "freshness claimed",
    "at half: p99",
  ];
  const rows = CLAIMS.map(({ mode, claimed, ackMs, freshnessMs }) => {
    const own = sizes.map((size) =>
      capacities.find((each) => each.mode === mode && each.ordersPerRequest === size),
    );
    const measured = own.map((each) => {
      if (!each) return "not measured";
      const { rate, limit } = each.found.interactive;
      const orders = rate * each.ordersPerRequest;
      const least = limit ? "≥ " : "";
      return `${least}${numberText(orders)}/s: ${least}${timesText(orders / claimed)}`;
    });
    const half = own[0] ? halfOf(suite, own[0]) : null;
    const ack = half ? `${msText(half.ackP50)}, ${msText(half.ackP99)}` : "not measured";
    const fresh = half?.freshnessP99 ? msText(half.freshnessP99) : "not measured";
    return [mode, `${numberText(claimed)}/s`, ...measured, msText(ackMs), ack, msText(freshnessMs), fresh];
  });
  return { head, rows };
};
