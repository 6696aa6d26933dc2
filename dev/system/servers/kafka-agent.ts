// The JMX exporter, a Java agent that runs inside the broker and tells Prometheus its figures. It comes from Maven, as
// Kafka itself does, so it can be had wherever v3 can.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, readableByEverybody } from "./data-dir.ts";
import { mavenRepository } from "./kafka-jars.ts";
import { freePort } from "./ports.ts";

export type KafkaAgent = {
  /** For the broker's Java. */
  readonly javaOptions: readonly string[];
  /** Where its figures are, as host:port. */
  readonly address: string;
};

/** docker-compose.v3.yaml fetches the same. */
export const AGENT_VERSION = "1.0.1";
/** It runs inside the broker, which holds acknowledged orders. */
export const AGENT_SHA256 = "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1";
const ARTIFACT = `io.prometheus.jmx:jmx_prometheus_javaagent:${AGENT_VERSION}`;
const MAVEN_WITHIN_MS = 300_000;
/** What of the broker's figures is told, and under which names; the containers read the same file. */
const RULES = join(import.meta.dirname, "../../..", "grafana", "kafka-metrics.yaml");

const fetchAgent = async (folder: string, log: (line: string) => void): Promise<void> => {
  log("the JMX exporter is missing: fetching it with Maven (once)");
  const partial = mkdtempSync(`${folder}-`);
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
  const args = [
    "-B",
    "-q",
    ...mavenRepository(),
    copy,
    `-Dartifact=${ARTIFACT}`,
    `-DoutputDirectory=${partial}`,
  ];
  try {
    await promisify(execFile)("mvn", args, { timeout: MAVEN_WITHIN_MS });
    await readableByEverybody(partial);
    if (!existsSync(folder)) renameSync(partial, folder);
  } catch (error) {
    const { code, stdout, message } = error as NodeJS.ErrnoException & { stdout?: string };
    if (code === "ENOENT")
      throw new Error('it comes from Maven, and there is no "mvn" here; install it (apt-get install maven)');
    throw new Error(`Maven could not fetch the JMX exporter: ${stdout?.trim().split("\n")[0] || message}`);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** Throws when Maven cannot fetch it. */
export const kafkaAgent = async (log: (line: string) => void): Promise<KafkaAgent> => {
  const folder = join(cacheFolder(), `jmx-exporter-${AGENT_VERSION}`);
  if (!existsSync(folder)) await fetchAgent(folder, log);
  const jar = join(folder, `jmx_prometheus_javaagent-${AGENT_VERSION}.jar`);
  if (createHash("sha256").update(readFileSync(jar)).digest("hex") !== AGENT_SHA256)
    throw new Error(`${jar} is not the JMX exporter ${AGENT_VERSION}; remove ${folder} and start again`);
  // a copy: the user that Kafka runs as may not be able to read this project
  const rules = join(folder, "kafka-metrics.yaml");
  writeFileSync(rules, readFileSync(RULES));
  await readableByEverybody(folder);
  const port = await freePort();
  return { javaOptions: [`-javaagent:${jar}=127.0.0.1:${port}:${rules}`], address: `127.0.0.1:${port}` };
};
