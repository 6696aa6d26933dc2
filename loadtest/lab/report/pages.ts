/** The parts of SCALE.md that are made from results, by the names of their marks. */
import { tableOf } from "../../../dev/markdown.ts";
import { EXPERIMENTS, experimentNamed } from "../experiments/all.ts";
import { ruleRows } from "../judge/bottleneck.ts";
import { medianOf, percentileOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { type Environment, GENERATORS, type Suite } from "../run/results.ts";
import { crossoverSentence } from "./charts/crossover.ts";
import { modeName } from "./charts/marks.ts";
import { crossoverOf } from "./crossover.ts";
import {
  atHalfOf,
  capacitiesOf,
  cpuPerThousandBy,
  halfOf,
  type ModeCapacity,
  ordersPerSecond,
  runsOf,
} from "./figures.ts";
import { mebibytesText, msText, numberText, percentText } from "./numbers.ts";
import { machineText, type Picture } from "./picture.ts";
import { answerTable, capacityTable, claimsTable, runsTable, type Table } from "./tables.ts";
import type { Verdict } from "./verdict.ts";
import { HYPOTHESES, type Hypothesis } from "./verdicts.ts";

/** `pathOf` is from the page to a picture's file. */
export type Pictured = { readonly pictures: readonly Picture[]; pathOf(picture: Picture): string };

export const SECTIONS = ["answer", "claims", "experiments", "bottleneck-rule"] as const;
export type Section = (typeof SECTIONS)[number];

export const sectionsOf = (suite: Suite, pictured: Pictured): Record<Section, string> => ({
  answer: answerOf(suite, pictured),
  claims: markdownOf(claimsTable(suite)),
  experiments: Object.entries(HYPOTHESES)
    .map(([id, hypothesis]) => experimentOf(id, hypothesis, suite, pictured))
    .join("\n\n"),
  "bottleneck-rule": markdownOf({
    head: ["", "resource", "is the bottleneck at", "read from"],
    rows: ruleRows(),
  }),
});

/** A bar would end the cell, and what stands in angle brackets would be taken for HTML. */
const cellOf = (cell: string): string => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;");

export const markdownOf = ({ head, rows }: Table): string =>
  tableOf(
    head,
    rows.map((row) => row.map(cellOf)),
  );

const answerOf = (suite: Suite, pictured: Pictured): string =>
  [
    `**Cheapest while meeting SLO-I, single orders:** ${crossoverSentence(crossoverOf(suite, 1, "interactive")) || "not measured"}.`,
    ...imagesOf(["crossover-1"], pictured, true),
    markdownOf(answerTable(suite)),
    `${environmentText(suite.env)} ${speedText(suite)}`.trim(),
  ].join("\n\n");

export const environmentText = (env: Environment): string => {
  const { scale, commit, seed, kernel, versions, pinning, turnedDown } = env;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const less = turnedDown.length > 0 ? ` Turned down: ${turnedDown.join("; ")}.` : "";
  return `${machineText(env)} Kernel ${kernel}; ${programs.join(", ")}. Pinning: ${pinning}. Scale ${scale}, seed ${seed}, commit ${commit.slice(0, 12)}.${less}`;
};

/** Whether the machine was equally fast in all runs: other guests of its host take time that no process here shows. */
export const speedText = ({ runs }: Suite): string => {
  const machines = runs.flatMap(({ run }) => run.machine ?? []);
  if (machines.length === 0) return "";
  const speeds = machines.map(({ hashingSpeed }) => hashingSpeed);
  const at = (share: number): number => percentileOf(speeds, share);
  const most = Math.max(...machines.map(({ stolenShare }) => stolenShare));
  return `The machine itself (one core, SHA-256) ran at a median of ${numberText(at(0.5))} MB/s, ${numberText(at(0.1))} to ${numberText(at(0.9))} in eight runs of ten; its host took at most ${percentText(most)} of a run's time.`;
};

const VERDICTS: Readonly<Record<Verdict["is"], string>> = {
  confirmed: "✔ confirmed",
  refuted: "✘ **refuted**",
  "not shown": "? not shown",
};

/** Nothing of one that is made from the runs of others. */
const ownRuns = (counted: number, voids: number): string => {
  if (counted + voids === 0) return "";
  return ` ${counted} ${counted === 1 ? "run counts" : "runs count"}${voids > 0 ? `, ${voids} were void` : ""}.`;
};

const experimentOf = (id: string, hypothesis: Hypothesis, suite: Suite, pictured: Pictured): string => {
  const { title, done } = hypothesis;
  const { is, because } = hypothesis.verdict(suite);
  const voids = runsOf(suite, id).filter((run) => run.voids.length > 0).length;
  const counted = runsOf(suite, id).length - voids;
  const head = [`### ${id} ${title}`, `**Hypothesis.** ${hypothesis.hypothesis}`];
  const again = `Again: \`npm run lab -- ${neededFor(id).join(" ")} --scale ${suite.env.scale}\``;
  const isRun = runsOf(suite, id, ...(hypothesis.reads ?? [])).length > 0;
  if (!isRun) return [...head, `Not run in this suite. ${again}`].join("\n\n");
  return [
    ...head,
    `**Done.** ${done}${ownRuns(counted, voids)}`,
    `**Verdict: ${VERDICTS[is]}.** ${because}.`,
    ...imagesOf(hypothesis.pictures, pictured, false),
    ...tablesOf(suite, id).flatMap(({ name, table }) => [
      `<details><summary>${name}</summary>`,
      markdownOf(table),
      "</details>",
    ]),
    again,
  ].join("\n\n");
};

/** An experiment with those whose results it reads its rates or its verdict from, in their order. */
const neededFor = (id: string): string[] => {
  const needed = new Set([id]);
  // what is added on the way is visited too
  for (const each of needed)
    for (const before of [...(experimentNamed(each).after ?? []), ...(HYPOTHESES[each]?.reads ?? [])])
      needed.add(before);
  return EXPERIMENTS.map((each) => each.id).filter((each) => needed.has(each));
};

/** Of an experiment: its searches, and its other runs. Empty ones are left out. */
export const tablesOf = (suite: Suite, id: string): { readonly name: string; readonly table: Table }[] => {
  const tables = [
    { name: "Capacities", table: capacityTable(suite, id) },
    // a search's points are in the report, each
    { name: "Runs", table: runsTable(suite, id) },
  ];
  return tables.filter(({ table }) => table.rows.length > 0);
};

const imagesOf = (ids: readonly string[], { pictures, pathOf }: Pictured, isWhole: boolean): string[] =>
  pictures
    .filter(({ id }) => ids.some((each) => (isWhole ? id === each : id.startsWith(each))))
    .map((picture) => `![${picture.description.replaceAll(/[[\]]/g, "")}](${pathOf(picture)})`);

/** What each piece took at half of each mode's capacity, and how much of it that rate wants: for docs/sizing.md. */

/** The name of its marks. */
export const SIZING = "sizing";

/** Of the one core that a process can use; the rest is for peaks of seconds. */
const FULL_AT_CORES = 0.7;

const SIZING_HEAD = [
  "mode",
  "orders per request",
  "carries, orders/s",
  "measured at, orders/s",
  "piece",
  "CPU-seconds per 1 000 orders",
  "memory",
  "cores at that rate",
  "processes",
];

export const sizingOf = (suite: Suite): string => {
  const rows = capacitiesOf(suite, "E2")
    .filter(({ mode, variant }) => variant === "" && MODE_NAMES.includes(mode))
    .flatMap((capacity) => sizingRows(suite, capacity));
  if (rows.length === 0) return "No results yet.";
  return [
    markdownOf({ head: SIZING_HEAD, rows }),
    `Medians of the runs nearest to half of what each mode carries. A process is taken to be full at ${FULL_AT_CORES} cores. ${environmentText(suite.env)}`,
  ].join("\n\n");
};

const sizingRows = (suite: Suite, capacity: ModeCapacity): string[][] => {
  const { mode, ordersPerRequest, found } = capacity;
  const runs = atHalfOf(suite, capacity);
  if (!runs[0]) return [];
  const rate = ordersPerSecond(runs[0]);
  const pieces = Object.keys(runs[0].resources).filter((name) => !GENERATORS.has(name));
  return pieces.flatMap((piece) => {
    const costs = runs.flatMap((run) => cpuPerThousandBy(run, piece) ?? []);
    if (costs.length === 0) return [];
    const cost = medianOf(costs);
    // an order costs less the more of them come, so no other rate is reckoned from this one
    const cores = (cost * rate) / 1_000;
    const cells = [
      modeName(mode),
      String(ordersPerRequest),
      numberText(found.interactive.rate * ordersPerRequest),
      numberText(rate),
      piece,
      numberText(cost),
      mebibytesText(medianOf(runs.flatMap((run) => run.resources[piece]?.peakRssBytes ?? []))),
      numberText(cores),
      processesOf(piece, cores),
    ];
    return [cells];
  });
};

/** v1 counts in one place, and a server is made larger rather than more. */
const processesOf = (piece: string, cores: number): string =>
  /^(order-api|worker-v[23])$/.test(piece) ? String(Math.ceil(cores / FULL_AT_CORES)) : "1";

/** The answer in a few lines, for the README: what each mode carries, how late it is, what it costs, and the picture. */

/** The name of its marks. */
export const SHORT = "how-far";

const NOT_MEASURED = "–";
const [SINGLE, BATCH] = [1, 10];
const README_HEAD = [
  "mode",
  "single orders a second",
  "by ten a request",
  "reply p99, at half of it",
  "on a dashboard, p99",
  "CPU-seconds per 1 000",
];

export const shortOf = (suite: Suite, { pictures, pathOf }: Pictured): string => {
  const capacities = capacitiesOf(suite, "E2").filter(({ variant }) => variant === "");
  const rows = MODE_NAMES.flatMap((mode) => readmeRow(suite, mode, capacities));
  if (rows.length === 0) return "No results yet.";
  const crossover = pictures.find(({ id }) => id === `crossover-${SINGLE}`);
  return [
    markdownOf({ head: README_HEAD, rows }),
    `Cheapest while meeting the objective, single orders: ${crossoverSentence(crossoverOf(suite, SINGLE, "interactive"))}. ${machineText(suite.env)} ${capitalized(suite.env.pinning)}.`,
    ...(crossover ? [`![${crossover.title}](${pathOf(crossover)})`] : []),
  ].join("\n\n");
};

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const readmeRow = (suite: Suite, mode: string, capacities: readonly ModeCapacity[]): string[][] => {
  const sized = (size: number): ModeCapacity | undefined =>
    capacities.find((each) => each.mode === mode && each.ordersPerRequest === size);
  const [single, batch] = [sized(SINGLE), sized(BATCH)];
  const half = single ? halfOf(suite, single) : null;
  if (!single && !batch) return [];
  return [
    [
      modeName(mode),
      carriedText(single),
      carriedText(batch),
      half ? msText(half.ackP99) : NOT_MEASURED,
      half?.freshnessP99 ? msText(half.freshnessP99) : NOT_MEASURED,
      half?.cpuPerThousand ? numberText(half.cpuPerThousand) : NOT_MEASURED,
    ],
  ];
};

/** "≥" where the generator was the limit. */
const carriedText = (capacity: ModeCapacity | undefined): string => {
  if (!capacity) return NOT_MEASURED;
  const { rate, limit } = capacity.found.interactive;
  return `${limit ? "≥ " : ""}${numberText(rate * capacity.ordersPerRequest)}`;
};
