// Kafka's jars, fetched once per project by Maven, and the Java that runs them.
import { execFile } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, readableByEverybody } from "./data-dir.ts";

const run = promisify(execFile);
const LEAST_JAVA = 17;
/** 44 MB and Maven's own plugins over a slow line. */
const MAVEN_WITHIN_MS = 600_000;
const pom = join(import.meta.dirname, "kafka-pom.xml");
const copyJars = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

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
export const mavenRepository = (): string[] => {
  try {
    accessSync(userInfo().homedir, constants.W_OK);
    return [];
  } catch {
    return [`-Dmaven.repo.local=${join(cacheFolder(), "maven")}`];
  }
};

const fetchJars = async (folder: string, log: (line: string) => void) => {
  log("Kafka's jars are missing: fetching them with Maven (44 MB, once)");
  const partial = mkdtempSync(`${folder}-`);
  const what = ["-f", pom, copyJars, "-DincludeScope=runtime", `-DoutputDirectory=${partial}`];
  const args = ["-B", "-q", ...mavenRepository(), ...what];
  try {
    await run("mvn", args, { timeout: MAVEN_WITHIN_MS });
    await readableByEverybody(partial);
    renameSync(partial, folder);
  } catch (error) {
    if (existsSync(folder)) return; // another start was quicker
    const { code, stdout, message } = error as NodeJS.ErrnoException & { stdout?: string };
    if (code === "ENOENT")
      throw new Error(
        'Kafka\'s jars come from Maven, and there is no "mvn" here; install it (apt-get install maven)',
      );
    throw new Error(`Maven could not fetch Kafka's jars: ${stdout?.trim().split("\n")[0] || message}`);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** The class path of Kafka. Throws a sentence saying what to install when it cannot be had. */
export const kafkaClassPath = async (log: (line: string) => void): Promise<string> => {
  await checkJava();
  const version = /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(readFileSync(pom, "utf8"))?.[1];
  const folder = join(cacheFolder(), `kafka-${version}`);
  if (!existsSync(folder)) await fetchJars(folder, log); // its name is given only once it is whole
  const jars = readdirSync(folder).filter((name) => name.endsWith(".jar"));
  // sorted: the archive of loaded classes is valid for one order only
  return jars
    .sort()
    .map((name) => join(folder, name))
    .join(":");
};
