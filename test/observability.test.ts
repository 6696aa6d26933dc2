/** Boards and rules read only metrics that a program or exporter exposes, and a fault of check:observability fires each alert. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { variableOf } from "#shared/runtime/config.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { retentionKnobs } from "#shared/store/retention.ts";
import { alertFaults, alertsOf } from "../dev/observe/alert-faults.ts";
import { promtool } from "../dev/system/servers/apt.ts";
import { LAB_TAG } from "../grafana/dashboards.ts";
import { EXPORTED } from "../grafana/metric-sources.ts";
import { boards, metricsIn, queriesOfAll, RULE_FILES, RULES_FOLDER, readRules } from "../grafana/queries.ts";
import { CLIENT_ERRORS } from "../grafana/rules/recording.ts";
import { LAB_TAG as TAG_OF_MARKS } from "../loadtest/lab/run/progress.ts";
import packageJson from "../package.json" with { type: "json" };
import { apiKnobs, switchKnobs } from "../services/order-api/config.ts";
import { CLIENT_REJECTIONS, openApiMetrics, openBoardAge } from "../services/order-api/metrics.ts";
import { pollStored } from "../services/order-api/polls.ts";
import { workerKnobs } from "../services/worker/config.ts";
import { openWorkerMetrics } from "../services/worker/metrics.ts";
import { catalogue, poolOn } from "./fresh.ts";

const run = promisify(execFile);

/** The metrics that the programs themselves expose. */
const ownMetrics = async (): Promise<readonly string[]> => {
  const api = openRegistry("order-api", "0");
  openApiMetrics(api, catalogue, () => new Map());
  openBoardAge(api, () => null);
  const pool = poolOn("postgres://nobody@127.0.0.1:1/nothing");
  pollStored(pool, api, []).close();
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

test("every metric that a board, a rule or the earlier system's board reads is exposed", async () => {
  const rules = readRules();
  const known = new Set([
    ...(await ownMetrics()),
    ...Object.values(EXPORTED).flat(),
    ...rules.flatMap(({ record }) => record ?? []),
    // Prometheus' own
    "up",
    "ALERTS",
  ]);
  const read = new Set(queriesOfAll().flatMap(({ expr }) => metricsIn(expr)));
  expect([...read].filter((metric) => !known.has(metric))).toEqual([]);
  // and every listed one is read
  expect(
    Object.values(EXPORTED)
      .flat()
      .filter((metric) => !read.has(metric)),
  ).toEqual([]);
});

test("the rules exclude exactly the rejections that the order API counts as client errors", () => {
  expect([...CLIENT_ERRORS]).toEqual(CLIENT_REJECTIONS);
});

test("the lab's board shows the annotations of the lab", () => {
  expect(LAB_TAG).toBe(TAG_OF_MARKS);
});

test("npm run check:observability fires each alert, and no other", () => {
  const alerts = readRules().flatMap(({ alert }) => alert ?? []);
  const fired = alertFaults.flatMap(alertsOf);
  expect([...new Set(fired)].toSorted()).toEqual(alerts.toSorted());
});

test("the runbook and the boards name only existing commands and settings", () => {
  const read = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8");
  const text = [read("grafana/RUNBOOK.md"), ...boards.map((board) => JSON.stringify(board))].join("\n");
  const named = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = ""]) => name);
  const recipes = [...read("justfile").matchAll(/^([a-z][a-z-]*)(?: [^:\n]*)?:(?!=)/gm)].map(
    ([, name = ""]) => name,
  );
  const knobs = [apiKnobs, switchKnobs, workerKnobs, retentionKnobs, ...modes.map((mode) => mode.knobs)];
  // two belong to the compose files
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

test("Prometheus accepts the rules, and their own tests pass", async () => {
  const tool = await promtool((line) => console.log(line));
  const folder = join(RULES_FOLDER, "tests");
  const files = readdirSync(folder).map((file) => join(folder, file));
  await run(tool, ["check", "rules", ...RULE_FILES.map((file) => join(RULES_FOLDER, file))]);
  const { stdout } = await run(tool, ["test", "rules", ...files]);
  expect(stdout.match(/SUCCESS/g)).toHaveLength(files.length);
});
