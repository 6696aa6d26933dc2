import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { NODE_FLAGS } from "../system/programs.ts";
import { stagesIn, stagesOfImage } from "./dockerfile.ts";

const root = join(import.meta.dirname, "../..");

test("stages, and in each the steps in their order", () => {
  const text = `# a comment
FROM base:1 AS first
WORKDIR /app
RUN one && \\
    # in between
    two
FROM first
COPY --from=first /app/a b
COPY c d ./
ENV A=1 \\
    B="two words"
LABEL x.y="z"
USER 7:8
EXPOSE 80
HEALTHCHECK --interval=1s CMD ["ok", "CMD"]
ENTRYPOINT ["init"]
CMD ["run", "it"]
`;
  expect(stagesIn(text)).toEqual([
    {
      from: "base:1",
      name: "first",
      steps: [
        { kind: "workdir", path: "/app" },
        { kind: "run", command: ["/bin/sh", "-c", "one &&      two"] },
      ],
      entrypoint: [],
      command: [],
      health: [],
      labels: {},
    },
    {
      from: "first",
      name: null,
      steps: [
        { kind: "copy", from: "first", sources: ["/app/a"], target: "b" },
        { kind: "copy", from: null, sources: ["c", "d"], target: "./" },
        { kind: "env", values: { A: "1", B: "two words" } },
        { kind: "user", uid: 7, gid: 8 },
      ],
      entrypoint: ["init"],
      command: ["run", "it"],
      health: ["ok", "CMD"],
      labels: { "x.y": "z" },
    },
  ]);
});

test("an image is made of what its last stage needs, and of nothing else", () => {
  const text = `FROM base:1 AS base
FROM base AS tools
FROM base AS made
COPY --from=tools /x /x
FROM other:1 AS aside
COPY --from=made /x /x
FROM base
COPY --from=made /x /x
`;
  const names = stagesOfImage(stagesIn(text)).map(({ name }) => name);
  expect(names).toEqual(["base", "tools", "made", null]);
});

test.each([
  ["ADD a b", "ADD is not known here"],
  ["USER node", "USER node: expected numbers"],
  ["CMD node main.ts", "CMD is a command of the shell"],
  ["ENTRYPOINT tini", "ENTRYPOINT is a command of the shell"],
  ["ENV A=$B", "ENV A=$B: what stands in a variable is not known here"],
  ["COPY $FROM b", "COPY $FROM b: what stands in a variable is not known here"],
  ["COPY --chown=1:1 a b", "this option is not known here"],
])("%s is refused with a sentence", (line, sentence) => {
  expect(() => stagesIn(`FROM x\n${line}\n`)).toThrow(sentence);
});

test("a step before FROM is refused", () => {
  expect(() => stagesIn("RUN x\n")).toThrow("RUN stands before FROM");
});

test("the image runs the programs as npm start does, under an init, as an unprivileged user, and has labels", () => {
  const stage = stagesIn(readFileSync(join(root, "Dockerfile"), "utf8")).at(-1) ?? expect.fail("no stages");
  const env = Object.assign({}, ...stage.steps.map((step) => (step.kind === "env" ? step.values : {})));
  expect(env).toEqual({ NODE_ENV: "production", NODE_OPTIONS: NODE_FLAGS.join(" ") });
  expect(stage.entrypoint).toEqual(["tini", "--"]);
  expect(stage.command).toEqual(["node", "services/order-api/main.ts"]);
  expect(stage.health[0]).toBe("node");
  expect(stage.health.join(" ")).toContain("/livez");
  expect(stage.steps.find(({ kind }) => kind === "user")).toEqual({ kind: "user", uid: 1000, gid: 1000 });
  expect(stage.labels).toMatchObject({
    "org.opencontainers.image.version": packageJson.version,
    "org.opencontainers.image.licenses": packageJson.license,
  });
});
