import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { giveToServerUser, initialisedOnce, serverFolder, serverUser } from "./data-dir.ts";
import { classArchive, kafkaClassPath } from "./kafka-java.ts";
import { freePort } from "./ports.ts";
import { type Cores, launch } from "./process.ts";
import { kafkaIsReady } from "./ready.ts";
import type { Server } from "./server.ts";
import {
  KAFKA_CLUSTER_ID,
  type KafkaListener,
  type KafkaNode,
  kafkaSettings,
  type Settings,
} from "./settings.ts";

export type KafkaOptions = {
  /** Kept after the end. Without it the data is temporary. */
  dataDir?: string;
  /** Preferred; the next free one is taken. */
  port?: number;
  /** Any processors without. */
  cores?: Cores | undefined;
  /** Where it is one of several; without it it is the only one. */
  node?: KafkaNode;
  /** Further listeners, for clients that need another address than the broker's own. */
  listeners?: readonly KafkaListener[];
  /** Further broker settings, by Kafka's names. */
  settings?: Settings;
  /** Further options of its Java; processes only, as a container's image has its own. */
  javaOptions?: readonly string[];
  /** What fetching Kafka makes us do, in sentences. */
  log?: (line: string) => void;
};

/** 2 to 5 s, more while two cores are busy starting everything else, and while a killed broker's logs are recovered. */
const READY_WITHIN_MS = 90_000;
/** A clean stop takes half a second; the first one also writes the archive of classes. */
const STOP_WITHIN_MS = 20_000;
const FORMAT_WITHIN_MS = 60_000;

const log4jFile = join(import.meta.dirname, "kafka-log4j2.properties");

/** A copy in the data folder: the user that Kafka runs as may not be able to read this project. */
const logging = (folder: string) => {
  const copy = join(folder, "log4j2.properties");
  writeFileSync(copy, readFileSync(log4jFile));
  giveToServerUser(copy);
  return `-Dlog4j2.configurationFile=${copy}`;
};

// Kafka's own choice of collector; a heap that leaves memory for the other programs on a small machine
const javaOptions = ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:-UsePerfData"];
const shortLivedJava = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"];

const writeProperties = (file: string, settings: Settings) => {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(""));
  giveToServerUser(file);
  return file;
};

const format = async (folder: string, java: string[], settings: Settings) => {
  const file = writeProperties(join(folder, "format.properties"), settings);
  const command = ["kafka.tools.StorageTool", "format", "-t", KAFKA_CLUSTER_ID, "-c", file];
  await promisify(execFile)("java", [...java, ...command], {
    ...serverUser().user,
    cwd: folder,
    timeout: FORMAT_WITHIN_MS,
  });
};

/** A broker, which without `node` is also its controller. Throws a sentence saying what is missing when Kafka cannot be had. */
export const startKafka = async (options: KafkaOptions = {}): Promise<Server> => {
  const classPath = await kafkaClassPath(options.log ?? (() => undefined));
  const { folder, temporary } = serverFolder("kafka", options.dataDir);
  const port = await freePort(options.port);
  const node = options.node ?? { id: 1, controllerPort: await freePort() };
  const listeners = options.listeners ?? [];
  const settings = {
    ...kafkaSettings({ host: "127.0.0.1", port, node, listeners }),
    ...options.settings,
  };
  const archive = classArchive(classPath);
  const shared = archive.options.filter((option) => !option.includes("ArchiveClassesAtExit"));
  const { javaOptions: further = [] } = options;
  // Java refuses to write an archive while an agent is loaded
  const archiving = further.some((option) => option.startsWith("-javaagent")) ? shared : archive.options;
  const log4j = logging(folder);
  const java = [...shortLivedJava, ...shared, log4j, "-cp", classPath];
  // the data does not remember its own path: it may be formatted under another
  const data = await initialisedOnce(folder, (path) => {
    options.log?.("Kafka: formatting its data (once)");
    return format(folder, java, { ...settings, "log.dirs": path });
  });
  const file = writeProperties(join(folder, "server.properties"), { ...settings, "log.dirs": data });
  const server = await launch({
    name: "kafka",
    url: `127.0.0.1:${port}`,
    port,
    command: "java",
    args: [...javaOptions, ...further, ...archiving, log4j, "-cp", classPath, "kafka.Kafka", file],
    folder,
    ...serverUser(),
    stopSignal: "SIGTERM",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => kafkaIsReady(port),
    readyWithinMs: READY_WITHIN_MS,
    cores: options.cores,
  });
  const stop = async () => {
    await server.stop();
    archive.keep();
  };
  return { ...server, stop };
};
