/** Who may import whom; `npm run lint` checks it. The first area that contains a file holds the rule for it. */
import type { IConfiguration, IRegularForbiddenRuleType as Rule } from "dependency-cruiser";

type Area = {
  /** A regular expression of paths, anchored at the start. */
  readonly files: string;
  /** Paths that these files may import besides each other: files of the project and packages. */
  readonly may?: readonly string[];
  /** Paths from which they may import types only. */
  readonly mayTypes?: readonly string[];
  /** Runs in k6 or a browser: no Node modules, and no "#shared" imports, which only Node resolves. */
  readonly isPure?: boolean;
};

const npm = (...names: readonly string[]): string => `^node_modules/(${names.join("|")})/`;
const PORTS = "^shared/(ports|servers)\\.ts";

const AREAS: readonly Area[] = [
  { files: "shared/domain/", isPure: true },
  { files: "shared/(ports|servers)\\.ts", mayTypes: ["^shared/domain/", npm("typebox")] },
  { files: "shared/wire/", may: ["^shared/domain/", npm("typebox")] },
  {
    files: "shared/runtime/",
    may: [npm("ajv", "ioredis", "pino", "prom-client", "typebox")],
    mayTypes: [PORTS],
  },
  {
    files: "shared/store/",
    may: ["^shared/(domain|runtime)/", npm("pg", "pg-connection-string", "typebox")],
    mayTypes: [PORTS],
  },
  { files: "shared/board/", may: ["^shared/(domain|runtime)/", npm("ioredis")], mayTypes: [PORTS] },
  { files: "shared/access/", may: ["^shared/runtime/schema\\.ts", npm("typebox")] },
  { files: "shared/imports/", may: ["^shared/domain/", npm("csv-parse", "iconv-lite", "jschardet")] },
  // a mode never imports another one: what two modes share is in shared/modes itself
  {
    files: "shared/modes/([^/]+)/",
    may: ["^shared/(domain|runtime|store|wire)/", PORTS, "^shared/modes/[^/]+\\.ts", "^node_modules/"],
  },
  {
    files: "shared/modes/",
    may: ["^shared/(domain|runtime)/", PORTS, "^shared/modes/([^/]+/mode|[^/]+)\\.ts"],
  },
  { files: "shared/client/", mayTypes: ["^shared/(domain|wire)/"], isPure: true },
  {
    files: "services/dashboard/",
    may: ["^shared/client/", npm("uplot")],
    mayTypes: ["^shared/(domain|wire)/", npm("typebox")],
    isPure: true,
  },
  // modes, store and board hold the connections: a service opens none of its own
  {
    files: "services/([^/]+)/",
    may: ["^shared/", "^package\\.json", "^node_modules/(?!(pg|ioredis|kafkajs|bullmq)/)"],
  },
  { files: "db/", may: ["^shared/(runtime|store)/", npm("node-pg-migrate", "pg", "typebox")] },
  { files: "docs/", may: ["^shared/client/"] },
  { files: "grafana/", may: ["^shared/modes/all\\.ts", "^node_modules/"] },
  { files: "dev/", may: ["^(shared|services|db|docs|grafana)/", "^package\\.json", "^node_modules/"] },
  // reports turn results into pages: they start and measure nothing
  {
    files: "loadtest/lab/report/",
    may: ["^loadtest/", "^shared/domain/", "^dev/markdown\\.ts", npm("vega", "vega-lite")],
  },
  {
    files: "loadtest/k6/",
    may: ["^shared/(client|domain)/", "^(package|services/order-api/catalogue)\\.json", npm("@types/k6")],
    isPure: true,
  },
  // programs of their own: they share nothing with what they are compared with
  { files: "loadtest/peers/", may: [npm("fastify")] },
  {
    files: "loadtest/",
    may: [
      "^(shared|db|dev|services/order-api)/",
      "^package\\.json",
      npm("pg-copy-streams", "typebox", "undici", "ws"),
    ],
  },
  { files: "test/", may: ["."] },
  { files: "[^/]+\\.ts$", may: ["^test/", "^node_modules/"] },
];

const TESTS = "\\.(test|fixture)\\.ts$";

/** `$1` is what the group in `files` matched: the name of the mode or service. */
const own = (files: string): string => `^${files.replace("([^/]+)", "$1")}`;

const rulesOf = ({ files, may = [], mayTypes = [], isPure = false }: Area, index: number) => {
  const earlier = AREAS.slice(0, index).map((area) => `^${area.files}`);
  const rule = (name: string, to: Rule["to"], from: Rule["from"] = {}): Rule => ({
    name: `${name} from ${files}`,
    severity: "error",
    from: { path: `^${files}`, pathNot: [TESTS, ...earlier], ...from },
    to: { dependencyTypesNot: ["core"], ...to },
  });
  const values = [own(files), ...may];
  const forTests = [...values, ...mayTypes, "^(shared|db|dev|test)/", "^node_modules/"];
  return [
    rule("import", { pathNot: [...values, ...mayTypes] }),
    rule("import of more than types", { pathNot: values, dependencyTypesNot: ["core", "type-only"] }),
    rule("import by a test", { pathNot: forTests }, { path: `^${files}.*${TESTS}`, pathNot: earlier }),
    ...(isPure
      ? [
          rule("import that needs Node", {
            dependencyTypes: ["core", "aliased-subpath-import"],
            dependencyTypesNot: [],
          }),
        ]
      : []),
  ];
};

const config: IConfiguration = {
  forbidden: [
    ...AREAS.flatMap(rulesOf),
    {
      name: "import from a file of no area",
      severity: "error",
      from: { pathNot: AREAS.map(({ files }) => `^${files}`) },
      to: {},
    },
    {
      name: "circular import",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "import of shared/imports from a program that takes or counts orders",
      severity: "error",
      from: { path: "^services/(order-api|worker)/" },
      to: { path: "^shared/imports/" },
    },
    {
      // production installs no devDependencies; the page is bundled
      name: "import of a devDependency from a product program",
      severity: "error",
      from: { path: "^(shared|services|db)/", pathNot: ["^services/dashboard/", TESTS] },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "import of a file whose name says nothing",
      severity: "error",
      from: {},
      to: {
        path: "^(?!loadtest/k6/lib/|node_modules/).*((^|/)(utils?|helpers?|common|lib)[./]|(^|/)index\\.[jt]s|-v\\d)",
      },
    },
    {
      // it brings the environment, which only programs read
      name: "import of node:process",
      severity: "error",
      from: { pathNot: "^(dev|test)/" },
      to: { path: "^process$" },
    },
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "^node_modules/" },
    enhancedResolveOptions: {
      conditionNames: ["import", "node", "default", "types"],
      exportsFields: ["exports"],
      extensions: [".ts", ".js"],
    },
  },
};

export default config;
