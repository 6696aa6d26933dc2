/** The pages that are made from results: what stands in which file. */
import { EXPERIMENTS, experimentNamed } from "../experiments/all.ts";
import { ruleRows } from "../judge/bottleneck.ts";
import { OBJECTIVES } from "../judge/objectives.ts";
import { percentileOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Suite } from "../run/results.ts";
import { crossoverOf, crossoverSentence } from "./crossover.ts";
import { modeCapacities, runsOf } from "./figures.ts";
import { HYPOTHESES, type Hypothesis } from "./hypotheses.ts";
import { numberText, percentText } from "./numbers.ts";
import { machineText, type Picture } from "./picture.ts";
import { runTables, validityTable } from "./run-tables.ts";
import {
  answerTable,
  capacityTables,
  claimsTable,
  FULL_AT_CORES,
  sizingTable,
  type Table,
} from "./tables.ts";
import type { Verdict } from "./verdict.ts";

/** A paragraph or heading in Markdown, a table or a picture. */
export type Block = string | Table | Picture;

export type Part = {
  /** Relative to the project. */
  readonly file: string;
  /** The name of its marks in that file; null when it is the whole file. */
  readonly section: string | null;
  blocks(suite: Suite, pictures: readonly Picture[]): readonly Block[];
};

export const FOLDER = "docs/scale";
/** The picture of the answer. */
const ANSWER = "crossover-1";
const NO_RESULTS = "No results yet.";

const answerBlocks = (suite: Suite, pictures: readonly Picture[]): Block[] => {
  const table = answerTable(suite);
  if (table.rows.length === 0) return [NO_RESULTS];
  const own = modeCapacities(suite).filter(({ mode }) => MODE_NAMES.includes(mode));
  const durability = new Map(own.map((each) => [each.mode, each.durability]));
  return [
    table,
    `\\* at half of the mode's own capacity for single orders, so each row has another rate: the chart below compares costs at one rate. Capacity: the highest rate that meets ${OBJECTIVES.interactive.label}. ${machineText(suite.env)} [How to read the figures](${FOLDER}/README.md).`,
    `**Cheapest mode that meets ${OBJECTIVES.interactive.label}, single orders:** ${crossoverSentence(crossoverOf(suite, 1, "interactive")) || "not measured"}. Where ranges overlap, no difference was shown; lower rates were not compared.`,
    ...pictures.filter(({ id }) => id === ANSWER),
    `What a reply promises: ${[...durability].map(([mode, text]) => `${mode} ${text}`).join("; ")}.`,
  ];
};

/** The machine and how the suite was made: a list. */
const environmentBlocks = ({ env, runs }: Suite): Block[] => {
  const { scale, commit, seed, kernel, versions, pinning, turnedDown, cores, cpuModel, memoryBytes } = env;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const facts = [
    `Machine: ${cores} cores (${cpuModel}), ${Math.round(memoryBytes / 2 ** 30)} GiB, kernel ${kernel}`,
    `Cores: ${pinning}`,
    `Versions: ${programs.join(", ")}`,
    `Scale ${scale}, seed ${seed}, commit ${commit.slice(0, 12)}`,
    ...speedOf(runs.flatMap(({ run }) => run.machine ?? [])),
  ];
  const reduced = ["Compared with scale `full` this suite has:", listOf(turnedDown)];
  return [listOf(facts), ...(turnedDown.length > 0 ? reduced : [])];
};

const listOf = (items: readonly string[]): string => items.map((item) => `- ${item}`).join("\n");

/** Whether the machine was equally fast in all runs: a host gives time to other guests without any trace in a process. */
const speedOf = (machines: readonly { hashingSpeed: number; stolenShare: number }[]): string[] => {
  if (machines.length === 0) return [];
  const speeds = machines.map(({ hashingSpeed }) => hashingSpeed);
  const [middle, low, high] = [0.5, 0.1, 0.9].map((share) => numberText(percentileOf(speeds, share)));
  const most = Math.max(...machines.map(({ stolenShare }) => stolenShare));
  return [
    `Speed of one core (SHA-256): median ${middle} MB/s, ${low} to ${high} in eight of ten runs; the host gave at most ${percentText(most)} of a run's time to others`,
  ];
};

const VERDICTS: Readonly<Record<Verdict["is"], string>> = {
  confirmed: "✔ Confirmed",
  refuted: "✘ Refuted",
  "not shown": "? Not shown",
};

const titleOf = (id: string, { title }: Hypothesis): string => `${id} ${title}`;

const isAnswered = (id: string, { reads = [] }: Hypothesis, suite: Suite): boolean =>
  runsOf(suite, id, ...reads).length > 0;

const ownPictures = ({ pictures: ids }: Hypothesis, pictures: readonly Picture[]): Picture[] =>
  ids.flatMap((id) => pictures.filter((picture) => picture.id === id));

/** Of each experiment a paragraph and its first picture, for SCALE.md. */
const summaryBlocks = (suite: Suite, pictures: readonly Picture[]): Block[] =>
  Object.entries(HYPOTHESES).flatMap(([id, experiment]): Block[] => {
    const { is, because } = experiment.verdict(suite);
    const result = isAnswered(id, experiment, suite)
      ? `**${VERDICTS[is]}.** Hypothesis: ${experiment.hypothesis} Measured: ${because}.`
      : `**Not measured.** Hypothesis: ${experiment.hypothesis}`;
    const shown = ownPictures(experiment, pictures).filter((picture) => picture.id !== ANSWER);
    return [
      `### ${titleOf(id, experiment)}`,
      `${result} [Method, figures and runs](${FOLDER}/${id.toLowerCase()}.md).`,
      ...shown.slice(0, 1),
    ];
  });

/** All that the results contain about one experiment. */
const experimentBlocks = (
  id: string,
  experiment: Hypothesis,
  suite: Suite,
  pictures: readonly Picture[],
): Block[] => {
  const repeat = `Repeat it: \`npm run lab -- ${neededFor(id).join(" ")} --scale ${suite.env.scale}\``;
  const intro = [`**Hypothesis:** ${experiment.hypothesis}`, `**Method:** ${experiment.method}`];
  if (!isAnswered(id, experiment, suite)) return [...intro, `Not measured in this suite. ${repeat}`];
  const { is, because } = experiment.verdict(suite);
  const runs = runsOf(suite, id);
  const voids = runs.filter((run) => run.voids.length > 0).length;
  const count = runs.length > 0 ? `${runs.length} runs, ${voids} of them void. ` : "";
  return [
    ...intro,
    `**${VERDICTS[is]}:** ${because}.`,
    `${count}${repeat}`,
    ...ownPictures(experiment, pictures),
    ...capacityTables(suite, id),
    ...runTables(suite, id),
    ...(runs.length > 0 ? [validityTable(runs)] : []),
  ];
};

/** An experiment with those whose results it or its verdict reads, in the order in which they run. */
const neededFor = (id: string): string[] => {
  const needed = new Set([id]);
  // a set iterates over what is added on the way, too
  for (const each of needed)
    for (const before of [...(experimentNamed(each).after ?? []), ...(HYPOTHESES[each]?.reads ?? [])])
      needed.add(before);
  return EXPERIMENTS.map((each) => each.id).filter((each) => needed.has(each));
};

const claimsBlocks = (suite: Suite): Block[] => [
  claimsTable(suite),
  "\\* at half of the mode's own capacity for single orders, so each row has another rate: the picture below compares costs at one rate.",
];

const sizingBlocks = (suite: Suite): Block[] => {
  const table = sizingTable(suite);
  if (table.rows.length === 0) return [NO_RESULTS];
  return [
    table,
    `Medians of the runs nearest to half of each capacity. A process counts as full at ${FULL_AT_CORES} cores. ${machineText(suite.env)} [How it was measured](scale/README.md).`,
  ];
};

const ruleTable: Table = {
  title: "",
  head: ["", "resource", "is full at", "read from"],
  rows: ruleRows(),
};

const HEAD = `<!-- Written by npm run lab -- render. -->\n\n[SCALE.md](../../SCALE.md) · [how to read the figures](README.md)`;

export const PARTS: readonly Part[] = [
  { file: "SCALE.md", section: "answer", blocks: answerBlocks },
  { file: "SCALE.md", section: "claims", blocks: claimsBlocks },
  { file: "SCALE.md", section: "experiments", blocks: summaryBlocks },
  { file: "README.md", section: "how-far", blocks: answerBlocks },
  { file: "docs/sizing.md", section: "sizing", blocks: sizingBlocks },
  { file: `${FOLDER}/README.md`, section: "environment", blocks: environmentBlocks },
  { file: `${FOLDER}/README.md`, section: "bottleneck-rule", blocks: () => [ruleTable] },
  ...Object.entries(HYPOTHESES).map(
    ([id, experiment]): Part => ({
      file: `${FOLDER}/${id.toLowerCase()}.md`,
      section: null,
      blocks: (suite, pictures) => [
        `# ${titleOf(id, experiment)}`,
        HEAD,
        ...experimentBlocks(id, experiment, suite, pictures),
      ],
    }),
  ),
];

/** The suite as one page. */
export const reportBlocks = (suite: Suite, pictures: readonly Picture[]): Block[] => [
  "# How far does each mode scale?",
  ...answerBlocks(suite, pictures),
  ...environmentBlocks(suite),
  ...Object.entries(HYPOTHESES).flatMap(([id, experiment]) => [
    `## ${titleOf(id, experiment)}`,
    ...experimentBlocks(id, experiment, suite, pictures),
  ]),
  "## Claims of the earlier system",
  ...claimsBlocks(suite),
];
