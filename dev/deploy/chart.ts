/** The chart, by helm itself, and what kubeconform says of what it renders. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Mutant } from "./chart-mutants.ts";
import { breachesIn, idsIn } from "./chart-rules.ts";
import { CHART, type Refusal, VALUES, type Values } from "./chart-values.ts";
import { manifestsIn } from "./manifests.ts";

export type ChartTools = { readonly helm: string; readonly kubeconform: string; readonly schemas: string };

const WITHIN_MS = 60_000;
const MOST_OUTPUT_BYTES = 50_000_000;
const NAMESPACE = "coffee";

export type Said = { readonly ok: boolean; readonly out: string; readonly problems: string };

export const say = (command: string, args: readonly string[], input = ""): Promise<Said> =>
  new Promise((resolve) => {
    const options = { timeout: WITHIN_MS, maxBuffer: MOST_OUTPUT_BYTES };
    const child = execFile(command, [...args], options, (error, out, problems) =>
      resolve({ ok: error === null, out, problems: problems || (error?.message ?? "") }),
    );
    // a program that ends before it has read everything says why itself
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });

export const template = (
  { helm }: Pick<ChartTools, "helm">,
  { args }: Pick<Values, "args">,
  chart = CHART,
): Promise<Said> => say(helm, ["template", "shop", chart, "--namespace", NAMESPACE, ...args]);

/** A sentence for each thing that helm's linter, a schema or a rule finds in these values. */
export const problemsWith = async (tools: ChartTools, values: Values, chart = CHART): Promise<string[]> => {
  const rendered = await template(tools, values, chart);
  if (!rendered.ok) return [`helm template: ${rendered.problems.trim()}`];
  const problems: string[] = [];
  const args = ["-strict", "-summary", "-output", "json", "-schema-location"];
  const location = `${tools.schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
  const valid = await say(tools.kubeconform, [...args, location, "-"], rendered.out);
  if (!valid.ok) problems.push(...findingsOf(valid));
  try {
    const manifests = manifestsIn(rendered.out);
    problems.push(...breachesIn(manifests));
    const named = idsIn(manifests);
    if (values.assignsIds) problems.push(...named);
    else if (named.length === 0) problems.push("no pod names its user: images without one would run as root");
  } catch (error) {
    problems.push(`what is rendered is no YAML: ${messageOf(error)}`);
  }
  return problems;
};

type Conformity = {
  readonly resources?: readonly { readonly kind: string; readonly name: string; readonly msg: string }[];
};

const findingsOf = ({ out, problems }: Said): string[] => {
  try {
    const { resources = [] } = JSON.parse(out) as Conformity;
    return resources.map(({ kind, name, msg }) => `kubeconform: ${kind}/${name}: ${msg}`);
  } catch {
    // it did not come so far
    return [`kubeconform: ${problems || out}`];
  }
};

export const lint = async ({ helm }: ChartTools, { args }: Values): Promise<string[]> => {
  const { ok, out, problems } = await say(helm, ["lint", "--strict", CHART, ...args]);
  return ok ? [] : [out + problems];
};

/** The sentences of refusals that did not come. */
export const notRefused = async (tools: ChartTools, [title, args, sentence]: Refusal): Promise<string[]> => {
  const { ok, problems } = await template(tools, { args });
  if (ok) return [`${title}: taken`];
  return problems.includes(sentence) ? [] : [`${title}: refused without "${sentence}": ${problems}`];
};

/** Values that bring everything that a mutant could break. */
const richest = (): readonly Values[] => VALUES.filter(({ title }) => title.startsWith("v1 + v2 + v3"));

/** What finds a mutant; empty where nothing does. Throws where its text is not in the chart any more. */
export const foundIn = async (tools: ChartTools, [title, file, from, to]: Mutant): Promise<string[]> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-chart-"));
  try {
    const chart = join(folder, "coffee-rt");
    cpSync(CHART, chart, { recursive: true, dereference: true });
    const text = readFileSync(join(chart, file), "utf8");
    if (!text.includes(from))
      throw new Error(`${title}: ${file} does not hold ${JSON.stringify(from)} any more`);
    writeFileSync(
      join(chart, file),
      text.replace(from, () => to),
    );
    for (const values of richest()) {
      const problems = await problemsWith(tools, values, chart);
      if (problems.length > 0) return problems;
    }
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
