/** Prometheus and its exporters beside a running stack: what npm start -- --observe adds. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modeNamed } from "#shared/modes/all.ts";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { servers, serversOf } from "#shared/servers.ts";
import { withWindowsDivided } from "../../grafana/promql.ts";
import { RULE_FILES, RULES_FOLDER } from "../../grafana/rules.ts";
import type { System } from "../system/launcher.ts";
import { giveToServerUser, serverFolder } from "../system/servers/data-dir.ts";
import { debianProgram } from "../system/servers/debian-programs.ts";
import { type KafkaAgent, kafkaAgent } from "../system/servers/kafka-agent.ts";
import { freePort } from "../system/servers/ports.ts";
import type { Server } from "../system/servers/server.ts";
import type { Wanted } from "../system/servers/start.ts";
import { configurationOf, type Target } from "./configuration.ts";
import { EXPORTERS, launchHttp, startExporter } from "./exporters.ts";

export type Observing = {
  readonly system: Pick<System, "env" | "apis" | "workers">;
  readonly agent: KafkaAgent | null;
  readonly dataDir: string;
  readonly port?: number;
  readonly scrapeMs?: number;
  /** The windows of the rules are divided by this: for who cannot wait for an hour. */
  readonly divideBy?: number;
  readonly log: (line: string) => void;
};

export type Observed = { readonly url: string; readonly targets: readonly Target[]; close(): Promise<void> };

/** Prometheus' own. */
const PREFERRED_PORT = 9_090;
const SCRAPE_MS = 5_000;
const KEEP = "15d";
/** It reads back what it had written when it was killed. */
const READY_WITHIN_MS = 60_000;

/** What the broker needs, before it starts, to tell its figures; null where v3 does not run or Maven does not answer. */
export const agentFor = async (
  modes: readonly string[],
  log: (line: string) => void,
): Promise<{ agent: KafkaAgent | null; servers: Partial<Wanted> }> => {
  const needsKafka = serversOf(modes.map(modeNamed)).includes("kafka");
  if (!needsKafka || process.env[servers.kafka.variable]) return { agent: null, servers: {} };
  try {
    const agent = await kafkaAgent(log);
    return { agent, servers: { kafka: { javaOptions: agent.javaOptions } } };
  } catch (error) {
    log(`Kafka's own figures are left out: ${messageOf(error)}`);
    return { agent: null, servers: {} };
  }
};

const writeRules = (folder: string, divideBy: number): string[] =>
  RULE_FILES.map((name) => {
    const file = join(folder, name);
    writeFileSync(file, withWindowsDivided(readFileSync(join(RULES_FOLDER, name), "utf8"), divideBy));
    giveToServerUser(file);
    return file;
  });

/** Nothing else rests on it, so it is not started again. */
const tellOfItsEnd = (server: Server, log: Observing["log"]): void =>
  server.onExit(() => log(`${server.name} has ended, and its figures with it; npm start starts it again`));

/** Throws where Prometheus cannot be had; an exporter that cannot is told and left out. */
export const observe = async (observing: Observing): Promise<Observed> => {
  const { system, agent, dataDir, log, divideBy = 1, scrapeMs = SCRAPE_MS } = observing;
  const closers = openClosers();
  const close = async (): Promise<void> => {
    for (const failure of await closers.closeAll()) log(failure.message);
  };
  try {
    const command = await debianProgram("prometheus", log);
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
        tellOfItsEnd(started.server, log);
        targets.push(...started.targets);
      } catch (error) {
        log(`${exporter.name} is left out: ${messageOf(error)}`);
      }
    const { folder } = serverFolder("prometheus", join(dataDir, "prometheus"));
    const configuration = join(folder, "prometheus.yaml");
    const ruleFiles = writeRules(folder, divideBy);
    writeFileSync(configuration, configurationOf({ scrapeMs, evaluateMs: scrapeMs, ruleFiles, targets }));
    giveToServerUser(configuration);
    const port = await freePort(observing.port ?? PREFERRED_PORT);
    const server = await launchHttp({
      name: "prometheus",
      command,
      port,
      args: [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${join(folder, "tsdb")}`,
        `--storage.tsdb.retention.time=${KEEP}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      dataDir: folder,
      readyAt: "/-/ready",
      readyWithinMs: READY_WITHIN_MS,
    });
    closers.add("prometheus", () => server.stop());
    tellOfItsEnd(server, log);
    return { url: server.url, targets, close };
  } catch (error) {
    await close();
    throw error;
  }
};
