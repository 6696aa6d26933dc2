// What Kafka's Java needs: the jars and the JMX exporter, fetched once per project by Maven, and an archive of classes.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, giveToServerUser, readableByEverybody } from "./data-dir.ts";
import { freePort } from "./ports.ts";

const run = promisify(execFile);
const LEAST_JAVA = 17;
/** 44 MB and Maven's own plugins over a slow line. */
const MAVEN_WITHIN_MS = 600_000;
const MAVEN_DEPENDENCY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
const pom = join(import.meta.dirname, "kafka-pom.xml");

const checkJava = async () => {
  const install = `install Java ${LEAST_JAVA} or newer (on Debian and Ubuntu: apt-get install default-jre-headless)`;
  let found: string;
  try {
    found = (await run("java", ["-version"])).stderr;
  } catch {
    throw new Error(`Kafka needs Java, and there is no "java" here; ${install}`);
  }
  const major = Number(/version "(\d+)/.exec(found)?.[1] ?? 0);
  if (major < LEAST_JAVA)
    throw new Error(`Kafka needs a newer Java than ${found.split("\n")[0]}; ${install}`);
};

/** Maven keeps what it downloads in the user's home; a service's user may have none. */
const mavenRepository = (): string[] => {
  try {
    accessSync(userInfo().homedir, constants.W_OK);
    return [];
  } catch {
    return [`-Dmaven.repo.local=${join(cacheFolder(), "maven")}`];
  }
};

/** Runs Maven into a folder that gets its name only once it is whole. */
const fetchByMaven = async (
  what: string,
  folder: string,
  args: (target: string) => string[],
): Promise<void> => {
  const partial = mkdtempSync(`${folder}-`);
  try {
    await run("mvn", ["-B", "-q", ...mavenRepository(), ...args(partial)], { timeout: MAVEN_WITHIN_MS });
    await readableByEverybody(partial);
    renameSync(partial, folder);
  } catch (error) {
    if (existsSync(folder)) return; // another start was quicker
    const { code, stdout, message } = error as NodeJS.ErrnoException & { stdout?: string };
    if (code === "ENOENT")
      throw new Error(
        `${what} comes from Maven, and there is no "mvn" here; install it (apt-get install maven)`,
      );
    throw new Error(`Maven could not fetch ${what}: ${stdout?.trim().split("\n")[0] || message}`);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** The class path of Kafka. Throws a sentence saying what to install when it cannot be had. */
export const kafkaClassPath = async (log: (line: string) => void): Promise<string> => {
  await checkJava();
  const version = /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(readFileSync(pom, "utf8"))?.[1];
  const folder = join(cacheFolder(), `kafka-${version}`);
  if (!existsSync(folder)) {
    log("Kafka is missing: fetching its jars with Maven (44 MB, once)");
    await fetchByMaven("Kafka", folder, (target) => [
      "-f",
      pom,
      `${MAVEN_DEPENDENCY}:copy-dependencies`,
      "-DincludeScope=runtime",
      `-DoutputDirectory=${target}`,
    ]);
  }
  const jars = readdirSync(folder).filter((name) => name.endsWith(".jar"));
  // sorted: the archive of loaded classes is valid for one order only
  return jars
    .sort()
    .map((name) => join(folder, name))
    .join(":");
};

export type ClassArchive = {
  /** For the broker. */
  options: string[];
  /** After the broker's clean stop. */
  keep(): void;
};

/**
 * An archive of Kafka's classes as Java loaded and verified them (class data sharing): a broker is ready in 2.2 s instead
 * of 4.0 s. Java writes it when a broker exits (3 s more, once), so the first clean stop makes it for all later starts.
 * Java checks an archive against its own build and the class path, and does without when they differ.
 */
export const classArchive = (classPath: string): ClassArchive => {
  const folder = join(cacheFolder(), "kafka-classes");
  mkdirSync(folder, { recursive: true });
  giveToServerUser(folder);
  const archive = join(folder, `${createHash("sha256").update(classPath).digest("hex").slice(0, 16)}.jsa`);
  if (existsSync(archive))
    return { options: [`-XX:SharedArchiveFile=${archive}`, "-Xshare:auto"], keep: () => undefined };
  // Left by brokers that were killed; one that is being written at this moment merely loses its name.
  for (const name of readdirSync(folder))
    if (name.endsWith(".part")) rmSync(join(folder, name), { force: true });
  const part = join(folder, `${randomUUID()}.part`);
  return {
    options: [`-XX:ArchiveClassesAtExit=${part}`],
    keep: () => {
      if (existsSync(part)) renameSync(part, archive);
    },
  };
};

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
/** Which of the broker's figures are exposed, and under which names; the containers read the same file. */
const RULES = join(import.meta.dirname, "../../..", "grafana", "kafka-metrics.yaml");

/** The JMX exporter, a Java agent inside the broker that exposes its figures to Prometheus. Throws where Maven cannot fetch it. */
export const kafkaAgent = async (log: (line: string) => void): Promise<KafkaAgent> => {
  const folder = join(cacheFolder(), `jmx-exporter-${AGENT_VERSION}`);
  if (!existsSync(folder)) {
    log("the JMX exporter is missing: fetching it with Maven (once)");
    await fetchByMaven("the JMX exporter", folder, (target) => [
      `${MAVEN_DEPENDENCY}:copy`,
      `-Dartifact=${ARTIFACT}`,
      `-DoutputDirectory=${target}`,
    ]);
  }
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
