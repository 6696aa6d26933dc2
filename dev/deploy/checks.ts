/** The checks of `npm run check:deploy`, in their order. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Check, Log } from "../checks.ts";
import { composeTool } from "../compose-tool.ts";
import { type ChartTools, foundIn, lint, notRefused, problemsWith } from "./chart.ts";
import { MUTANTS } from "./chart-mutants.ts";
import { REFUSALS, VALUES } from "./chart-values.ts";
import { checkOnCluster, lacksCluster } from "./cluster.ts";
import { TRIALS } from "./cluster-trials.ts";
import { composeProblems } from "./compose-rules.ts";
import { hadolint, PROGRAMS, program, SCHEMAS, schemaFolder } from "./tools.ts";
import { modeNames } from "./variables.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
/** Programs at a time: each of helm's takes a core for a moment. */
const AT_ONCE = 3;

const eachOf = async <T>(
  items: readonly T[],
  act: (item: T) => Promise<readonly string[]>,
): Promise<string[]> => {
  const waiting = [...items];
  const found: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      found.push(...(await act(next)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
};

const chartTools = async (log: Log): Promise<ChartTools> => ({
  helm: await program("helm", log),
  kubeconform: await program("kubeconform", log),
  schemas: await schemaFolder(log),
});

/** What a linter prints is what it found. */
const linted = async (command: string, args: readonly string[], problems: string[]): Promise<void> => {
  try {
    await run(command, [...args], { cwd: root });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    problems.push((stdout + stderr).trim() || String(error));
  }
};

const lintDockerfile: Check = {
  name: "dockerfile",
  says: "the Dockerfile, by hadolint",
  run: async (log, problems) => {
    await linted(await hadolint(log), ["--failure-threshold", "style", "Dockerfile"], problems);
    return [];
  },
};

const compose: Check = {
  name: "compose",
  says: "the compose files in every combination, by a compose tool",
  run: async (log, problems) => {
    const tool = await composeTool(log);
    if (tool === null)
      throw new Error("there is neither `docker compose` nor `go` here: install one of them");
    const combinations = Array.from({ length: 2 ** modeNames.length }, (_, index) =>
      modeNames.filter((_name, bit) => (index >> bit) % 2 === 1),
    );
    for (const modes of combinations)
      for (const lab of [[], ["docker-compose.lab.yaml"]]) {
        const overlays = modes.map((mode) => `docker-compose.${mode}.yaml`);
        const services = await tool.services(["docker-compose.base.yaml", ...overlays, ...lab]);
        // without a mode the base is what the overlays stand on, and starts nothing that takes orders
        if (modes.length > 0)
          problems.push(...composeProblems(services, modes).map((what) => `${modes.join(" + ")}: ${what}`));
      }
    return [`${combinations.length * 2} combinations, the lab's overlay among them, by ${tool.name}`];
  },
};

const chart: Check = {
  name: "chart",
  says: "the chart with every combination of values, by helm, kubeconform and our own rules",
  run: async (log, problems) => {
    const tools = await chartTools(log);
    problems.push(...(await eachOf(VALUES, (values) => lint(tools, values))));
    problems.push(
      ...(await eachOf(VALUES, async (values) =>
        (await problemsWith(tools, values)).map((problem) => `${values.title}: ${problem}`),
      )),
    );
    const { kubernetes, operators } = SCHEMAS;
    return [
      `${VALUES.length} combinations, by helm ${PROGRAMS.helm.version} and kubeconform ${PROGRAMS.kubeconform.version}`,
      `schemas of ${[kubernetes, ...operators].map(({ module, version }) => `${module} ${version}`).join(", ")}`,
    ];
  },
};

const refusals: Check = {
  name: "refusals",
  says: "wrong values are refused, with a sentence",
  run: async (log, problems) => {
    const tools = await chartTools(log);
    problems.push(...(await eachOf(REFUSALS, (refusal) => notRefused(tools, refusal))));
    return [`${REFUSALS.length} kinds`];
  },
};

const broken: Check = {
  name: "broken",
  says: "the chart broken on purpose is found out",
  run: async (log, problems) => {
    const tools = await chartTools(log);
    problems.push(
      ...(await eachOf(MUTANTS, async (mutant) =>
        (await foundIn(tools, mutant)).length > 0 ? [] : [`${mutant[0]} is not found`],
      )),
    );
    return [`${MUTANTS.length - problems.length} of ${MUTANTS.length} found`];
  },
};

const cluster: Check = {
  name: "cluster",
  says: "the chart on the API server that kubectl reaches: upgrades, rollback, scaling, storage, PodSecurity",
  isOnlyByName: true,
  lacks: lacksCluster,
  run: async (log, problems) => checkOnCluster(await program("helm", log), TRIALS, problems),
};

const workflows: Check = {
  name: "workflows",
  says: "the workflows, by actionlint",
  run: async (log, problems) => {
    const folder = join(root, ".github/workflows");
    const files = existsSync(folder)
      ? readdirSync(folder).map((file) => join(".github/workflows", file))
      : [];
    if (files.length === 0) throw new Error("there are no workflows");
    // its look at shell scripts needs shellcheck, which not every machine has
    await linted(await program("actionlint", log), ["-shellcheck=", "-pyflakes=", ...files], problems);
    return [`${files.length} files, by actionlint ${PROGRAMS.actionlint.version}`];
  },
};

const boards: Check = {
  name: "boards",
  says: "Grafana's boards, by its dashboard-linter",
  run: async (log, problems) => {
    const linter = await program("dashboard-linter", log);
    const folder = "grafana/dashboards";
    const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".json"));
    if (files.length === 0) throw new Error(`there are no boards in ${folder}`);
    for (const file of files) await linted(linter, ["lint", "--strict", join(folder, file)], problems);
    return [`${files.length} boards, by dashboard-linter ${PROGRAMS["dashboard-linter"].version}`];
  },
};

export const CHECKS: readonly Check[] = [
  lintDockerfile,
  compose,
  chart,
  refusals,
  broken,
  cluster,
  workflows,
  boards,
];
