/** Workflows use pinned actions, few rights, and only scripts that run on any machine. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../package.json" with { type: "json" };

type Job = {
  readonly "timeout-minutes"?: number;
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Record<string, unknown>;
  }[];
};
type Workflow = { readonly permissions?: unknown; readonly jobs: Readonly<Record<string, Job>> };

const root = join(import.meta.dirname, "..");
const folder = join(root, ".github/workflows");

/** A sentence for each problem of a workflow. */
const problemsIn = (text: string): string[] => {
  const { permissions, jobs } = parse(text) as Workflow;
  const problems: string[] = [];
  if (JSON.stringify(permissions) !== '{"contents":"read"}') problems.push("may do more than read");
  for (const line of text.split("\n").filter((each) => /^\s*(- )?uses:/.test(each)))
    if (!/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
      problems.push(`is not pinned by digest: ${line.trim()}`);
  for (const [name, job] of Object.entries(jobs)) {
    if (job["timeout-minutes"] === undefined) problems.push(`${name} may run for ever`);
    for (const { uses, run, with: given } of job.steps) {
      if (uses?.startsWith("actions/checkout@") && given?.["persist-credentials"] !== false)
        problems.push(`${name} leaves its credentials behind`);
      if (run !== undefined) problems.push(...unknownIn(run).map((what) => `${name} runs ${what}`));
      // input is data, never part of a script
      if (run?.includes("${{")) problems.push(`${name} writes an expression into a script`);
    }
  }
  return problems;
};

const SCRIPT = /^(?:sudo --preserve-env env "PATH=\$PATH" )?(\.ci\/[\w-]+)(?: [\w"$. -]+)?$/;
const TARGET = /^npm run ([\w:-]+)$/;

/** Every step runs one of the project's scripts, and nothing else. */
const unknownIn = (run: string): string[] => {
  const script = SCRIPT.exec(run)?.[1];
  if (script !== undefined) return isProgram(join(root, script)) ? [] : [`${script}, which is not there`];
  const target = TARGET.exec(run)?.[1] ?? "";
  return target in packageJson.scripts ? [] : [`something that is no script: ${run}`];
};

const isProgram = (file: string): boolean => existsSync(file) && (statSync(file).mode & 0o111) !== 0;

test.each(readdirSync(folder))("%s", (file) => {
  expect(problemsIn(readFileSync(join(folder, file), "utf8"))).toEqual([]);
});

describe("finds", () => {
  const good = readFileSync(join(folder, "ci.yml"), "utf8");
  const LINT = "run: npm run lint";
  const noScript = (job: string, run: string): string => `${job} runs something that is no script: ${run}`;
  test.each<[string | RegExp, string, string]>([
    [/@08c6903\S+ # v5.0.0/, "@v5", "is not pinned by digest: - uses: actions/checkout@v5"],
    ["contents: read", "contents: write", "may do more than read"],
    ["timeout-minutes: 10", "name: style", "style may run for ever"],
    ["{ persist-credentials: false }", "{ fetch-depth: 0 }", "style leaves its credentials behind"],
    ["run: .ci/run", "run: .ci/walk", "test runs .ci/walk, which is not there"],
    [LINT, "run: npx biome", noScript("style", "npx biome")],
    ["run: .ci/run", "run: wget x | sh; .ci/run", noScript("test", "wget x | sh; .ci/run")],
    [LINT, `${LINT} && rm x`, noScript("style", "npm run lint && rm x")],
    ["npm run typecheck", `npm run ${"$"}{{ github.head_ref }}`, "style writes an expression into a script"],
  ])("%s", (from, to, problem) => {
    expect(problemsIn(good.replace(from, to))).toContain(problem);
  });
});
