/** Prometheus, Grafana and Loki in containers: the same targets as npm start -- --observe, and mounted files that exist. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { modes } from "#shared/modes/all.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { EXPORTERS } from "../dev/observe/exporters.ts";
import { promtool } from "../dev/system/servers/apt.ts";
import { AGENT_SHA256, AGENT_VERSION } from "../dev/system/servers/kafka-java.ts";
import { JOBS } from "../grafana/metric-sources.ts";
import { boards, RULE_FILES } from "../grafana/queries.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
type Service = {
  readonly image?: string;
  readonly build?: unknown;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly deploy?: { readonly resources: { readonly limits: { readonly memory?: string } } };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
};
const servicesOf = (file: string) =>
  (parse(read(file), { merge: true }) as { services: Record<string, Service> }).services;
const base = servicesOf("docker-compose.base.yaml");
const overlay = servicesOf("docker-compose.v3.yaml");

const all = { ...base, ...overlay };
const OBSERVERS = Object.entries(all).filter(([, { profiles = [] }]) => profiles.includes("observe"));

test("the observing services have a profile and memory limits, and no other service waits for them", () => {
  expect(OBSERVERS.map(([name]) => name)).toEqual([
    "prometheus",
    "grafana",
    "loki",
    "alloy",
    "engine",
    "postgres-exporter",
    "redis-exporter",
    "node-exporter",
    "kafka-agent",
  ]);
  const names = OBSERVERS.map(([name]) => name);
  for (const [name, { depends_on = {} }] of Object.entries(all).filter(([each]) => !names.includes(each)))
    for (const [needed, { required }] of Object.entries(depends_on))
      if (names.includes(needed)) expect(required, `${name} waits for ${needed}`).toBe(false);
  for (const [name, { deploy, ports = [] }] of OBSERVERS) {
    if (name !== "kafka-agent") expect(deploy?.resources.limits.memory, name).toMatch(/^\d+[mg]$/);
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

test("only one container mounts the engine's socket, and Kafka's tools run without the agent", () => {
  const mounts = ({ volumes = [] }: Service): boolean => volumes.some((each) => each.includes("docker.sock"));
  expect(Object.keys(all).filter((name) => mounts(all[name] ?? {}))).toEqual(["engine"]);
  expect(JSON.stringify(overlay["kafka"]?.environment)).not.toContain("KAFKA_OPTS");
  expect(overlay["kafka"]?.command?.join(" ")).toContain("export KAFKA_OPTS=");
});

test("every mounted file of the project exists", () => {
  const mounted = [...Object.values(base), ...Object.values(overlay)].flatMap(({ volumes = [] }) =>
    volumes.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0] ?? ""),
  );
  expect(mounted.length).toBeGreaterThan(6);
  for (const path of mounted) expect(existsSync(join(root, path)), path).toBe(true);
  for (const file of RULE_FILES) expect(mounted).toContain(`./grafana/rules/${file}`);
});

test("Prometheus has every job and the worker of every mode, and accepts its configuration", async () => {
  const file = "grafana/compose/prometheus.yaml";
  type Job = { readonly job_name: string; readonly dns_sd_configs?: readonly { names: readonly string[] }[] };
  const { scrape_configs: jobs } = parse(read(file)) as { scrape_configs: readonly Job[] };
  expect(jobs.map(({ job_name }) => job_name)).toEqual([...JOBS]);
  const namesOf = (job: string): readonly string[] =>
    jobs.find(({ job_name }) => job_name === job)?.dns_sd_configs?.flatMap(({ names }) => names) ?? [];
  expect(namesOf("worker")).toEqual(modes.map(({ name }) => `worker-${name}`));
  const tool = await promtool((line) => console.log(line));
  await promisify(execFile)(tool, ["check", "config", "--syntax-only", join(root, file)]);
});

test("the metrics of Kafka and of the stream are those of npm start", () => {
  const versions = [...JSON.stringify(overlay).matchAll(/javaagent[:-](\d+(?:\.\d+)*)/g)];
  expect(new Set(versions.map(([, version]) => version))).toEqual(new Set([AGENT_VERSION]));
  expect(JSON.stringify(overlay)).toContain(AGENT_SHA256);
  const env = { STREAM_REDIS_URL: "redis://s", DATABASE_URL: "postgres://p" };
  const { v2Stream: stream } = loadSettings(redisStreamsKnobs, env);
  expect(base["redis-exporter"]?.command).toEqual([`--check-single-streams=db0=${stream}`]);
  expect(EXPORTERS.flatMap(({ args }) => args(1))).toContain(`--check-single-streams=db0=${stream}`);
});

test("images are pinned, and Grafana finds its boards and both data sources", () => {
  // our own images are built, not pulled
  for (const { image, build } of Object.values(all))
    if (image !== undefined && build === undefined) expect(image).toMatch(/:v?\d+(\.\d+|-)/);
  const grafana = JSON.stringify(base["grafana"]);
  expect(grafana).toContain(`/boards/${boards[0]?.name}.json`);
  const { providers } = parse(read("grafana/provisioning/dashboards/boards.yaml")) as {
    providers: readonly { options: { path: string } }[];
  };
  for (const { options } of providers) expect(grafana).toContain(`./grafana/dashboards:${options.path}:ro`);
  const { datasources } = parse(read("grafana/provisioning/datasources/sources.yaml")) as {
    datasources: readonly { url: string }[];
  };
  for (const { url } of datasources) expect(Object.keys(base)).toContain(new URL(url).hostname);
});
