/** Boards and rules ask for metrics that somebody tells, and each alert is made to fire by something. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { variableOf } from "#shared/runtime/config.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { retentionKnobs } from "#shared/store/retention-knobs.ts";
import { breakages, tells } from "../dev/observe/breakages.ts";
import { promtool } from "../dev/system/servers/debian-programs.ts";
import { boards } from "../grafana/boards.ts";
import { LAB_TAG } from "../grafana/build.ts";
import { EARLIER_SYSTEM } from "../grafana/earlier-system.ts";
import { EXPORTED } from "../grafana/exported.ts";
import { metricsIn } from "../grafana/promql.ts";
import { FAULTS_OF_CLIENTS } from "../grafana/rules/recording.ts";
import { RULE_FILES, RULES_FOLDER, readRules } from "../grafana/rules.ts";
import { LAB_TAG as TAG_OF_MARKS } from "../loadtest/lab/run/marks.ts";
import packageJson from "../package.json" with { type: "json" };
import { apiKnobs, switchKnobs } from "../services/order-api/config.ts";
import { openApiMetrics } from "../services/order-api/metrics.ts";
import { REFUSED_FOR_CLIENTS } from "../services/order-api/order-metrics.ts";
import { openBoardAge, watchStored } from "../services/order-api/watched.ts";
import { workerKnobs } from "../services/worker/config.ts";
import { openWorkerMetrics } from "../services/worker/metrics.ts";
import { catalogue, poolOn } from "./fresh.ts";

const run = promisify(execFile);

/** What the programs themselves tell, by the names that a page has. */
const ownMetrics = async (): Promise<readonly string[]> => {
  const api = openRegistry("order-api", "0");
  openApiMetrics(api, catalogue, () => new Map());
  openBoardAge(api, () => null);
  const pool = poolOn("postgres://nobody@127.0.0.1:1/nothing");
  watchStored(pool, api, []).close();
  const worker = new Registry();
  openWorkerMetrics(worker, "v1");
  await pool.end();
  const page = `${await api.metrics()}\n${await worker.metrics()}`;
  return [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = "", type = ""]) =>
    type === "histogram" || type === "summary"
      ? [name, ...["bucket", "sum", "count"].map((part) => `${name}_${part}`)]
      : [name],
  );
};

test("every metric that a board, a rule or the earlier system's board reads is told by somebody", async () => {
  const rules = readRules();
  const known = new Set([
    ...(await ownMetrics()),
    ...Object.values(EXPORTED).flat(),
    ...rules.flatMap(({ record }) => record ?? []),
    // Prometheus' own
    "up",
    "ALERTS",
  ]);
  const exprs = [
    ...rules.map(({ expr }) => expr),
    ...boards
      .flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries)))
      .map(({ expr }) => expr),
    ...EARLIER_SYSTEM,
  ];
  expect(exprs.flatMap(metricsIn).filter((metric) => !known.has(metric))).toEqual([]);
  // and nothing is listed for nobody
  const read = new Set(exprs.flatMap(metricsIn));
  expect(
    Object.values(EXPORTED)
      .flat()
      .filter((metric) => !read.has(metric)),
  ).toEqual([]);
});

test("the rules leave out those refusals that the order API calls a client's mistake, and no other", () => {
  expect([...FAULTS_OF_CLIENTS]).toEqual(REFUSED_FOR_CLIENTS);
});

test("what the lab marks is what its board shows", () => {
  expect(LAB_TAG).toBe(TAG_OF_MARKS);
});

test("each alert is made to fire by npm run check:observability, and no other", () => {
  const alerts = readRules().flatMap(({ alert }) => alert ?? []);
  const fired = breakages.flatMap(tells);
  expect([...new Set(fired)].toSorted()).toEqual(alerts.toSorted());
});

test("the runbook and the boards name commands and settings that there are", () => {
  const read = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8");
  const text = [read("grafana/RUNBOOK.md"), ...boards.map((board) => JSON.stringify(board))].join("\n");
  const named = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = ""]) => name);
  const recipes = [...read("justfile").matchAll(/^([a-z][a-z-]*)(?: [^:\n]*)?:(?!=)/gm)].map(
    ([, name = ""]) => name,
  );
  const knobs = [apiKnobs, switchKnobs, workerKnobs, retentionKnobs, ...modes.map((mode) => mode.knobs)];
  // two are of the compose files
  const variables = ["API_PORT", "KAFKA_HEAP_OPTS"].concat(
    knobs.flatMap(({ properties }) => Object.keys(properties).map(variableOf)),
  );
  expect(Object.keys(packageJson.scripts)).toEqual(
    expect.arrayContaining(named(/\bnpm run ([a-z:]+(?:-[a-z]+)*)/g)),
  );
  expect(recipes).toEqual(expect.arrayContaining(named(/\bjust ([a-z-]+)/g)));
  expect(variables).toEqual(expect.arrayContaining(named(/\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g)));
  expect(named(/\bcurl (?!http)(\S+)/g)).toEqual([]);
});

test("Prometheus takes the rules, and their own tests pass", async () => {
  const tool = await promtool((line) => console.log(line));
  const folder = join(RULES_FOLDER, "tests");
  const files = readdirSync(folder).map((file) => join(folder, file));
  await run(tool, ["check", "rules", ...RULE_FILES.map((file) => join(RULES_FOLDER, file))]);
  const { stdout } = await run(tool, ["test", "rules", ...files]);
  expect(stdout.match(/SUCCESS/g)).toHaveLength(files.length);
}, 300_000);
