/** Prometheus next to a running system: its configuration, its process with the exporters, and what it answers. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import type { Job } from "../../grafana/metric-sources.ts";
import { type Query, RULE_FILES, RULES_FOLDER, withWindowsDivided } from "../../grafana/queries.ts";
import type { System } from "../system/launcher.ts";
import { debianProgram } from "../system/servers/apt.ts";
import { giveToServerUser, serverFolder } from "../system/servers/data-dir.ts";
import type { KafkaAgent } from "../system/servers/kafka-java.ts";
import { freePort } from "../system/servers/ports.ts";
import type { Server } from "../system/servers/server.ts";
import { EXPORTERS, launchHttp, startExporter } from "./exporters.ts";

/** One address that Prometheus scrapes. With `through`, it scrapes that exporter, which reads the server at the address. */
export type Target = {
  readonly job: Job;
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly through?: string;
};

export type Scraping = {
  readonly scrapeMs: number;
  readonly evaluateMs: number;
  readonly ruleFiles: readonly string[];
  readonly targets: readonly Target[];
};

/** Scrapes the exporter, and keeps the server's address as the instance. */
const relabelled = (exporter: string): readonly object[] => [
  { source_labels: ["__address__"], target_label: "__param_target" },
  { source_labels: ["__param_target"], target_label: "instance" },
  { target_label: "__address__", replacement: exporter },
];

const scrapeConfigOf = (job: string, targets: readonly Target[]): object => {
  const through = targets.find((target) => target.through !== undefined)?.through;
  return {
    job_name: job,
    // a metric's own mode label wins; the target's label is for metrics without one
    honor_labels: targets.some(({ labels }) => labels?.["mode"] !== undefined),
    ...(through !== undefined && { metrics_path: "/scrape", relabel_configs: relabelled(through) }),
    static_configs: targets.map(({ address, labels = {} }) => ({ targets: [address], labels })),
  };
};

export const configurationOf = ({ scrapeMs, evaluateMs, ruleFiles, targets }: Scraping): string => {
  const jobs = [...new Set(targets.map(({ job }) => job))];
  return stringify({
    global: {
      scrape_interval: `${scrapeMs}ms`,
      scrape_timeout: `${scrapeMs}ms`,
      evaluation_interval: `${evaluateMs}ms`,
    },
    rule_files: ruleFiles,
    scrape_configs: jobs.map((job) =>
      scrapeConfigOf(
        job,
        targets.filter((target) => target.job === job),
      ),
    ),
  });
};

export type PrometheusOptions = {
  readonly system: Pick<System, "env" | "apis" | "workers">;
  readonly agent: KafkaAgent | null;
  readonly dataDir: string;
  readonly port?: number;
  readonly scrapeMs?: number;
  /** Divides the windows of the rules, so that a check need not wait for an hour. */
  readonly divideBy?: number;
  readonly log: (line: string) => void;
};

export type Prometheus = {
  readonly url: string;
  readonly targets: readonly Target[];
  close(): Promise<void>;
};

/** Prometheus' own default. */
const PREFERRED_PORT = 9_090;
const SCRAPE_MS = 5_000;
const RETENTION = "15d";
/** After a kill it replays its write-ahead log. */
const READY_WITHIN_MS = 60_000;

const writeRules = (folder: string, divideBy: number): string[] =>
  RULE_FILES.map((name) => {
    const file = join(folder, name);
    writeFileSync(file, withWindowsDivided(readFileSync(join(RULES_FOLDER, name), "utf8"), divideBy));
    giveToServerUser(file);
    return file;
  });

/** No other process depends on it, so it is not restarted. */
const logExit = (server: Server, log: PrometheusOptions["log"]): void =>
  server.onExit(() => log(`${server.name} ended, its metrics are missing until npm start runs again`));

/** Throws when Prometheus cannot be installed; an exporter that cannot be is logged and left out. */
export const startPrometheus = async (options: PrometheusOptions): Promise<Prometheus> => {
  const { system, agent, dataDir, log, divideBy = 1, scrapeMs = SCRAPE_MS } = options;
  const closers = openClosers();
  const close = async (): Promise<void> => {
    for (const failure of await closers.closeAll()) log(failure.message);
  };
  try {
    const { command } = await debianProgram("prometheus", log);
    mkdirSync(dataDir, { recursive: true });
    const targets: Target[] = [...system.apis, ...system.workers].map(({ kind, mode, url }) => ({
      job: kind,
      address: new URL(url).host,
      ...(mode !== null && { labels: { mode } }),
    }));
    if (agent) targets.push({ job: "kafka", address: agent.address });
    for (const exporter of EXPORTERS)
      try {
        const started = await startExporter(exporter, { env: system.env, dataDir, log });
        closers.add(exporter.name, () => started.server.stop());
        logExit(started.server, log);
        targets.push(...started.targets);
      } catch (error) {
        log(`${exporter.name} is left out: ${messageOf(error)}`);
      }
    const { folder } = serverFolder("prometheus", join(dataDir, "prometheus"));
    const configuration = join(folder, "prometheus.yaml");
    const ruleFiles = writeRules(folder, divideBy);
    writeFileSync(configuration, configurationOf({ scrapeMs, evaluateMs: scrapeMs, ruleFiles, targets }));
    giveToServerUser(configuration);
    const port = await freePort(options.port ?? PREFERRED_PORT);
    const server = await launchHttp({
      name: "prometheus",
      command,
      port,
      args: [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${join(folder, "tsdb")}`,
        `--storage.tsdb.retention.time=${RETENTION}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      dataDir: folder,
      readyAt: "/-/ready",
      readyWithinMs: READY_WITHIN_MS,
    });
    closers.add("prometheus", () => server.stop());
    logExit(server, log);
    return { url: server.url, targets, close };
  } catch (error) {
    await close();
    throw error;
  }
};

type QueryAnswer = {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
};

/** The values of a query now. Throws Prometheus' own error for a query that it cannot parse. */
export const valuesOf = async (prometheusUrl: string, expr: string): Promise<readonly number[]> => {
  const response = await fetch(`${prometheusUrl}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query: expr }),
  });
  const { status, error, data } = (await response.json()) as QueryAnswer;
  if (status !== "success") throw new Error(`${error ?? status}: ${expr}`);
  return (data?.result ?? []).map(({ value }) => Number(value[1]));
};

/** The queries without a value, or with none that is a number. */
export const withoutData = async (
  prometheusUrl: string,
  queries: readonly Query[],
): Promise<readonly Query[]> => {
  const without: Query[] = [];
  for (const query of queries) {
    const values = await valuesOf(prometheusUrl, query.expr);
    if (!values.some(Number.isFinite)) without.push(query);
  }
  return without;
};

type AlertsAnswer = {
  readonly data: {
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
  };
};

/** The labels, alertname included, of the alerts that fire now. */
export const firingAlerts = async (
  prometheusUrl: string,
): Promise<readonly Readonly<Record<string, string>>[]> => {
  const { data } = (await (await fetch(`${prometheusUrl}/api/v1/alerts`)).json()) as AlertsAnswer;
  return data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels);
};

type TargetsAnswer = {
  readonly data: {
    readonly activeTargets: readonly {
      readonly scrapeUrl: string;
      readonly health: string;
      readonly lastError: string;
    }[];
  };
};

/** Targets whose last scrape failed, each with Prometheus' error. */
export const failedTargets = async (prometheusUrl: string): Promise<readonly string[]> => {
  const { data } = (await (await fetch(`${prometheusUrl}/api/v1/targets`)).json()) as TargetsAnswer;
  return data.activeTargets
    .filter(({ health }) => health !== "up")
    .map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`);
};
