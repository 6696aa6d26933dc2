/**
 * npm run bench: how near the system comes to what its parts can do, as ratios of one run. Generator, servers and
 * programs share the machine, so absolute figures say little of another one.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomFrom } from "#shared/domain/random.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../markdown.ts";
import { drain } from "./drain/part.ts";
import { fanout } from "./fanout/part.ts";
import { type Figure, figuresTable, resultOf } from "./figure.ts";
import type { Bench, Part } from "./ground.ts";
import { ingest } from "./ingest/part.ts";
import { live } from "./live/part.ts";

const PARTS: readonly Part[] = [ingest, drain, live, fanout];
const README = join(import.meta.dirname, "..", "..", "README.md");

const USAGE = `npm run bench                 everything, in about a quarter of an hour; the README shows it
npm run bench -- --only ${PARTS.map(({ name }) => name).join(",")}
  --rounds 5       of each figure; what is compared takes turns within a round
  --seed 1         of the order within the rounds
  --json FILE      the figures`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const chosenParts = (): readonly Part[] => {
  const names = values.only?.split(",") ?? PARTS.map(({ name }) => name);
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) throw new Error(`--only: there is no "${unknown}"\n\n${USAGE}`);
  return PARTS.filter(({ name }) => names.includes(name));
};

const openBench = (): Bench => {
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error("--rounds has to be a whole number of at least 1");
  return { rounds, random: randomFrom(Number(values.seed)), tell: (line) => console.error(line) };
};

/** True when everything was measured, whatever the figures say; a part that fails costs its own figures alone. */
const measure = async (): Promise<boolean> => {
  const [parts, bench] = [chosenParts(), openBench()];
  const figures: Figure[] = [];
  const failed: string[] = [];
  for (const part of parts)
    try {
      figures.push(...(await part.measure(bench)));
    } catch (error) {
      failed.push(part.name);
      console.error(`${part.name} was not measured: ${messageOf(error)}`);
    }
  if (figures.length > 0) console.log(`\n${figuresTable(figures)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ figures: figures.map(resultOf) }, null, 1)}\n`);
  if (failed.length === 0 && parts.length === PARTS.length)
    writeSection(README, "speed", figuresTable(figures));
  return failed.length === 0;
};

try {
  if (values.help) console.log(USAGE);
  process.exit(values.help || (await measure()) ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
