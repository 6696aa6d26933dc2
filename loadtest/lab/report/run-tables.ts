/** Tables of the runs of an experiment. */
import { judge, voidText } from "../judge/objectives.ts";
import { medianOf } from "../judge/statistics.ts";
import { generatorOf, type Run, type Suite } from "../run/results.ts";
import { cpuPerThousand, memoryBytes } from "./costs.ts";
import { isPeak, isSearched, isValid, ordersPerSecond, runsOf, variantOf } from "./figures.ts";
import { mebibytesText, msText, numberText, percentText, secondsText } from "./numbers.ts";
import { NONE, type Table, tableOf, textOr } from "./tables.ts";

export type Column = {
  readonly head: string;
  readonly isSum?: true;
  /** Null where the run has no such figure. */
  of(run: Run): number | null;
  text(value: number): string;
};

export const LATENCY: readonly Column[] = [
  { head: "reply p50", of: ({ ackMs }) => ackMs.p50, text: msText },
  { head: "reply p99", of: ({ ackMs }) => ackMs.p99, text: msText },
  { head: "freshness p50", of: ({ freshnessMs }) => freshnessMs?.p50 ?? null, text: msText },
  { head: "freshness p99", of: ({ freshnessMs }) => freshnessMs?.p99 ?? null, text: msText },
];
const RATE: readonly Column[] = [
  { head: "runs", isSum: true, of: () => 1, text: numberText },
  { head: "orders/s", of: ordersPerSecond, text: numberText },
];
const OUTCOME: readonly Column[] = [
  { head: "errors", of: ({ errorShare }) => errorShare, text: percentText },
  { head: "refused", of: ({ ledger }) => ledger.refused, text: numberText },
  { head: "unknown", of: ({ ledger }) => ledger.unknown, text: numberText },
  { head: "lost", isSum: true, of: ({ audit }) => audit.lost, text: numberText },
  { head: "counted twice", isSum: true, of: ({ audit }) => audit.countedTwice, text: numberText },
  { head: "drained", of: ({ drainedSeconds }) => drainedSeconds, text: secondsText },
];
export const COST: readonly Column[] = [
  { head: "CPU-seconds per 1 000 orders", of: cpuPerThousand, text: numberText },
  { head: "memory", of: memoryBytes, text: mebibytesText },
];
const SPECIAL: readonly Column[] = [
  { head: "down", of: ({ fault }) => fault?.downtimeSeconds ?? null, text: secondsText },
  {
    head: "recovered",
    of: ({ fault }) => (fault ? (fault.recoverySeconds ?? Number.POSITIVE_INFINITY) : null),
    text: (seconds) => (Number.isFinite(seconds) ? secondsText(seconds) : "not by its end"),
  },
  { head: "frames/s", of: ({ websocket }) => websocket?.framesPerSecond ?? null, text: numberText },
  { head: "delay p99", of: ({ websocket }) => websocket?.delayP99 ?? null, text: msText },
];

/** Valid runs that are not part of a search: a row of medians for each point, in three or four tables. */
export const runTables = (suite: Suite, experiment: string): Table[] => {
  const runs = runsOf(suite, experiment).filter((run) => isValid(run) && !isSearched(run));
  const points = [...Map.groupBy(runs, ({ point, durability }) => `${point}|${durability}`)]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .flatMap(([, group]) => group.slice(0, 1).map((first) => ({ first, runs: group })));
  const figures = (title: string, columns: readonly Column[], more: Texts = {}): Table[] => {
    const shown = columns.filter(({ of }) => runs.some((run) => of(run) !== null));
    if (shown.length === 0) return [];
    const table = tableOf(title, points, {
      point: ({ first }) => first.point,
      ...Object.fromEntries(shown.map((column) => [column.head, (point: Point) => cellOf(point, column)])),
      ...more,
    });
    return [table];
  };
  const isVaried = runs.some((run) => variantOf(run) !== "");
  return [
    ...figures("Runs: rate and latency", [...RATE, ...LATENCY]),
    ...figures("Runs: outcome of the orders", OUTCOME),
    ...figures("Runs: cost and durability", COST, {
      ...(isVaried && { varied: ({ first }) => variantOf(first) || NONE }),
      durability: ({ first }) => first.durability,
      "sent by": ({ first }) => senderOf(first),
    }),
    ...figures("Runs: faults and WebSockets", SPECIAL),
  ];
};

type Point = { readonly first: Run; readonly runs: readonly Run[] };
type Texts = Readonly<Record<string, (point: Point) => string>>;

const cellOf = ({ runs }: Point, { of, text, isSum }: Column): string => {
  const values = runs.flatMap((run) => of(run) ?? []);
  if (values.length === 0) return NONE;
  return text(isSum ? values.reduce((sum, each) => sum + each, 0) : medianOf(values));
};

const senderOf = (run: Run): string =>
  !isPeak(run) ? generatorOf(run) : run.point.endsWith("WebSocket") ? "socket-loop" : "wrk";

/** Every run, with what it shows about SLO-I or why it is void. */
export const validityTable = (runs: readonly Run[]): Table =>
  tableOf(`Every run (${runs.length})`, runs, {
    point: ({ point }) => point,
    repetition: ({ repetition, attempt }) => `${repetition}${attempt > 1 ? `, attempt ${attempt}` : ""}`,
    "SLO-I": (run) => {
      const { holds, because } = judge(run, "interactive");
      return !isValid(run) ? voidText(run) : holds ? "holds" : because.join("; ");
    },
    "reply p99": ({ ackMs }) => msText(ackMs.p99),
    "freshness p99": ({ freshnessMs }) => textOr(freshnessMs?.p99, msText),
    "full resource": ({ bottleneck }) =>
      bottleneck ? `${bottleneck.resource} (${bottleneck.because})` : "not found",
    "sent by": senderOf,
  });
