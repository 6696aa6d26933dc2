/** The rules of the house that a program can check, each with texts that break it and that keep it. */
import { Visitor } from "rolldown/utils";
import { BROKEN_IMPORTS, KEPT_IMPORTS } from "./import-examples.ts";
import { importProblems, type Parsed } from "./imports.ts";

export type Source = { readonly path: string; readonly text: string; readonly parsed: Parsed };
export type Example = readonly [path: string, text: string];
type Rule = {
  readonly says: string;
  readonly of: RegExp;
  /** A sentence for each breach. */
  breaches(source: Source): string[];
  readonly broken: readonly Example[];
  readonly kept: readonly Example[];
};

export const CODE = /\.(ts|mts|cts|mjs|js)$/;
const MOST_LINES = 260;
const MOST_FUNCTION_LINES = 70;
/** Where a program starts, and the tests that start programs. */
const STARTS =
  /^(services\/[^/]+\/main\.ts|db\/main(\.test)?\.ts|shared\/runtime\/lifecycle\.ts|loadtest\/(load|lab\/main|node\/main)\.ts|vitest\.config\.ts)$|^(dev|test)\//;
const NOTHING_NAMES =
  /(^|\/)(utils?|helpers?|common|lib)(\/|\.[^/]*$)|(^|\/)index\.[mc]?[jt]s$|-v\d+(\.[^/]*)?(\/|$)/;

export const linesOf = (text: string): number => text.trimEnd().split("\n").length;
const lines = (count: number): string => "1;\n".repeat(count);
const walked = (
  source: Source,
  visit: (found: (breach: string) => void) => ConstructorParameters<typeof Visitor>[0],
) => {
  const breaches: string[] = [];
  new Visitor(visit((breach) => breaches.push(breach))).visit(source.parsed.program);
  return breaches;
};
const lineAt = ({ text }: Source, offset: number): string => `line ${linesOf(text.slice(0, offset + 1))}`;

export const RULES: readonly Rule[] = [
  {
    says: "a file imports only what its folder may",
    of: CODE,
    breaches: ({ path, parsed }) => importProblems(path, parsed),
    broken: BROKEN_IMPORTS,
    kept: KEPT_IMPORTS,
  },
  {
    says: "the environment is read only where a program starts",
    of: CODE,
    breaches: (source) =>
      STARTS.test(source.path)
        ? []
        : walked(source, (found) => ({
            MemberExpression: ({ object, property, start }) => {
              const isProcess = object.type === "Identifier" && object.name === "process";
              const isEnv =
                "name" in property
                  ? property.name === "env"
                  : "value" in property && property.value === "env";
              if (isProcess && isEnv) found(lineAt(source, start));
            },
            VariableDeclarator: ({ init, start }) => {
              if (init?.type === "Identifier" && init.name === "process") found(lineAt(source, start));
            },
          })),
    broken: [
      ["shared/store/x.ts", "const url = process.env.URL;"],
      ["services/worker/config.ts", 'const url = process["env"]["URL"];'],
      ["shared/domain/x.test.ts", 'process.env["TZ"] = "UTC";'],
      ["db/migrate.ts", "const { env } = process;"],
    ],
    kept: [
      ["services/worker/main.ts", "load(process.env);"],
      ["shared/store/x.ts", "// not by process.env\nlog(process.pid, import.meta.env, settings.env);"],
    ],
  },
  {
    says: "a process is ended only where a program is run",
    of: CODE,
    breaches: (source) =>
      STARTS.test(source.path)
        ? []
        : walked(source, (found) => ({
            CallExpression: ({ callee, start }) => {
              if (/^process\s*\??\.\s*(exit|abort)$/.test(source.text.slice(callee.start, callee.end)))
                found(lineAt(source, start));
            },
          })),
    broken: [["shared/store/x.ts", "process.exit(1);"]],
    kept: [
      ["shared/runtime/lifecycle.ts", "process.exit(1);"],
      ["shared/store/x.ts", 'process.on("exit", close);'],
    ],
  },
  {
    says: `no file has more than ${MOST_LINES} lines`,
    of: /\.([mc]?[jt]s|sql|css)$/,
    breaches: ({ text }) => (linesOf(text) > MOST_LINES ? [`${linesOf(text)} lines`] : []),
    broken: [["db/migrations/x.sql", lines(MOST_LINES + 1)]],
    kept: [["db/migrations/x.sql", lines(MOST_LINES)]],
  },
  {
    says: `no function has more than ${MOST_FUNCTION_LINES} lines, those of tests excepted`,
    of: /(?<!\.test)\.[mc]?[jt]s$/,
    breaches: (source) =>
      walked(source, (found) => {
        const check = ({ start, end }: { start: number; end: number }): void => {
          const count = linesOf(source.text.slice(start, end));
          if (count > MOST_FUNCTION_LINES) found(`${lineAt(source, start)}: ${count} lines`);
        };
        return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
      }),
    broken: [
      ["shared/store/x.ts", `const f = () => {\n${lines(MOST_FUNCTION_LINES - 1)}};`],
      ["dev/x.mjs", `function f() {\n${lines(MOST_FUNCTION_LINES - 1)}}`],
      ["dev/x.mjs", `export default { close() {\n${lines(MOST_FUNCTION_LINES - 1)}} }`],
    ],
    kept: [
      [
        "shared/store/x.ts",
        `// é ☕\n${lines(90)}const f = () => {\n${lines(MOST_FUNCTION_LINES - 2)}};\n${lines(90)}`,
      ],
    ],
  },
  {
    says: "every name says what is inside",
    // what k6's scripts share, as in k6's documentation
    of: /^(?!loadtest\/k6\/lib\/[^/]+$)/,
    breaches: ({ path }) => (NOTHING_NAMES.test(path) ? ["is named for nothing"] : []),
    broken: [
      "shared/utils/x.ts",
      "dev/helpers.ts",
      "common/x.ts",
      "lib/x.ts",
      "shared/store/index.ts",
      "shared/store/pool-v2.ts",
      "dev/plan-v2/x.ts",
    ].map((path) => [path, ""]),
    kept: ["services/dashboard/index.html", "docker-compose.v2.yaml", "shared/library.ts"].map((path) => [
      path,
      "",
    ]),
  },
  {
    says: "no test is left out, and none runs alone",
    of: /\.test\.[mc]?[jt]s$/,
    breaches: (source) =>
      walked(source, (found) => ({
        MemberExpression: ({ start, end }) => {
          if (
            /^(test|it|describe|suite|bench)\b[^("'`]*\.(only|skip|todo)$/.test(source.text.slice(start, end))
          )
            found(lineAt(source, start));
        },
      })),
    broken: ['test.only("a", () => {});', 'describe.concurrent.skip("a", () => {});', 'it.todo("a");'].map(
      (text) => ["dev/x.test.ts", text],
    ),
    kept: [["dev/x.test.ts", 'test("that .only one is taken", () => bytes.skip(1)); // test.skip']],
  },
  {
    says: "nothing is exempt from the type checker",
    of: CODE,
    breaches: (source) => [
      ...walked(source, (found) => ({
        TSAnyKeyword: ({ start }) => found(`any in ${lineAt(source, start)}`),
      })),
      ...source.parsed.comments
        .filter(({ value }) => /@ts-(ignore|nocheck|expect-error)\b/.test(value))
        .map(({ start }) => lineAt(source, start)),
    ],
    broken: [
      ["dev/x.ts", "const f = (x: Map<string, any>) => x;"],
      ["dev/x.ts", "const x = y as any;"],
      ["dev/x.ts", "// @ts-ignore\nf(1);"],
      ["dev/x.ts", "/* @ts-nocheck */"],
    ],
    kept: [["dev/x.ts", 'const any = "any @ts-ignore"; // any of them']],
  },
  {
    says: "no class hierarchies, no I-prefixed names, no empty catch",
    of: CODE,
    breaches: (source) =>
      walked(source, (found) => {
        const name = ({ id }: { id: { name: string; start: number } }): void => {
          if (/^I[A-Z]/.test(id.name)) found(`${id.name} in ${lineAt(source, id.start)}`);
        };
        return {
          ClassDeclaration: ({ superClass, start }) => {
            if (superClass && !(superClass.type === "Identifier" && superClass.name === "Error"))
              found(`a class of another's in ${lineAt(source, start)}`);
          },
          TSInterfaceDeclaration: name,
          TSTypeAliasDeclaration: name,
          CatchClause: ({ body, start }) => {
            if (body.body.length === 0 && !/\/[/*]/.test(source.text.slice(body.start, body.end)))
              found(`an empty catch in ${lineAt(source, start)}`);
          },
        };
      }),
    broken: [
      ["dev/x.ts", "class Store extends Base {}"],
      ["dev/x.ts", "interface IStore {}"],
      ["dev/x.ts", "type IStore = {};"],
      ["dev/x.ts", "try { f(); } catch {}"],
    ],
    kept: [
      [
        "dev/x.ts",
        "class Away extends Error {} type Intake = {}; try { f(); } catch { /* gone is as good */ }",
      ],
    ],
  },
  {
    says: "no file knows this machine or its registry",
    of: /^/,
    breaches: ({ path, text }) => {
      const found = text.match(
        /(?<![\w.)}\]])\/(?:work|root)\/|\/\/[^/\s"']*(?:registry|npmjs|artifactory|nexus|verdaccio|mirror|pypi)[^/\s"']*\/?|\/\/(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+|_auth(?:Token)/g,
      );
      const isLocked = path === "package-lock.json" && /"resolved": *"http/.test(text);
      return [...(found ?? []), ...(isLocked ? ["a registry in the lock file"] : [])];
    },
    broken: [
      ["README.md", `see ${["", "work", "main"].join("/")}`],
      ["dev/x.ts", `const home = "${["", "root", ""].join("/")}";`],
      ["Dockerfile", `RUN npm ci --registry=http:/${"/"}npm-registry.inside.example/`],
      [".npmrc", `registry=https:/${"/"}10.1.2.3:4873`],
      ["package-lock.json", '"resolved": "https://somewhere.example/x.tgz"'],
    ],
    kept: [["README.md", "http://127.0.0.1:8005/work and https://github.com/a/work/root"]],
  },
];
