/** A Dockerfile as data: its stages, and in each its steps in their order. Refuses what it does not know. */

export type Copy = {
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
};

export type Step =
  | { readonly kind: "run"; readonly command: readonly string[] }
  | ({ readonly kind: "copy" } & Copy)
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "env"; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: "user"; readonly uid: number; readonly gid: number };

export type Stage = {
  readonly from: string;
  readonly name: string | null;
  readonly steps: readonly Step[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
};

type Growing = { -readonly [K in keyof Stage]: Stage[K] } & { steps: Step[] };

/** An instruction a line: comments gone, what goes on over several lines joined. */
const instructionsIn = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** `["a", "b"]`; null for a command of the shell. */
const listIn = (rest: string): string[] | null =>
  rest.startsWith("[") ? (JSON.parse(rest) as string[]) : null;

const requireList = (instruction: string, rest: string): string[] => {
  const list = listIn(rest);
  // signals do not pass a shell
  if (list === null) throw new Error(`${instruction} is a command of the shell: write it as a list`);
  return list;
};

const pairsIn = (rest: string): Record<string, string> =>
  Object.fromEntries(
    [...rest.matchAll(/([\w.]+)=("[^"]*"|\S+)/g)].map(([, name = "", value = ""]) => [
      name,
      value.replaceAll('"', ""),
    ]),
  );

const copyIn = (rest: string): Copy => {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? (words.shift() ?? "").slice("--from=".length) : null;
  if (words.some((word) => word.startsWith("-")))
    throw new Error(`COPY ${rest}: this option is not known here`);
  const target = words.pop() ?? "";
  if (words.length === 0) throw new Error(`COPY ${rest}: copies nothing`);
  return { from, sources: words, target };
};

const userIn = (rest: string): Step => {
  const ids = /^(\d+):(\d+)$/.exec(rest);
  // Kubernetes can verify that a number is not root, but not that a name is not
  if (ids === null) throw new Error(`USER ${rest}: expected numbers, as 1000:1000`);
  return { kind: "user", uid: Number(ids[1]), gid: Number(ids[2]) };
};

/** An engine would put in what stands in the variable. */
const literal = (instruction: string, rest: string): string => {
  if (rest.includes("$"))
    throw new Error(`${instruction} ${rest}: what stands in a variable is not known here`);
  return rest;
};

type Reader = (rest: string, stage: Growing) => void;

const READERS: Readonly<Record<string, Reader>> = {
  RUN: (rest, { steps }) =>
    void steps.push({ kind: "run", command: listIn(rest) ?? ["/bin/sh", "-c", rest] }),
  COPY: (rest, { steps }) => void steps.push({ kind: "copy", ...copyIn(literal("COPY", rest)) }),
  WORKDIR: (rest, { steps }) => void steps.push({ kind: "workdir", path: literal("WORKDIR", rest) }),
  ENV: (rest, { steps }) => void steps.push({ kind: "env", values: pairsIn(literal("ENV", rest)) }),
  USER: (rest, { steps }) => void steps.push(userIn(rest)),
  LABEL: (rest, stage) => {
    stage.labels = { ...stage.labels, ...pairsIn(rest) };
  },
  ENTRYPOINT: (rest, stage) => {
    stage.entrypoint = requireList("ENTRYPOINT", rest);
  },
  CMD: (rest, stage) => {
    stage.command = requireList("CMD", rest);
  },
  HEALTHCHECK: (rest, stage) => {
    stage.health = requireList("HEALTHCHECK", rest.slice(rest.indexOf("CMD") + 3).trim());
  },
  // they change nothing in the tree, nor in how a program runs
  ARG: () => undefined,
  EXPOSE: () => undefined,
};

export const stagesIn = (text: string): Stage[] => {
  const stages: Growing[] = [];
  for (const line of instructionsIn(text)) {
    const [instruction = "", ...words] = line.split(/\s+/);
    const rest = line.slice(instruction.length).trim();
    if (instruction === "FROM") {
      const [from = "", , name = null] = words;
      stages.push({ from, name, steps: [], entrypoint: [], command: [], health: [], labels: {} });
      continue;
    }
    const stage = stages.at(-1);
    const read = READERS[instruction];
    if (read === undefined) throw new Error(`${instruction} is not known here: ${line}`);
    if (stage === undefined) throw new Error(`${instruction} stands before FROM`);
    read(rest, stage);
  }
  return stages;
};

/** The last stage and what it is made of, in their order: an engine builds no other. */
export const stagesOfImage = (stages: readonly Stage[]): Stage[] => {
  const needed = new Set<Stage>();
  const need = (stage: Stage | undefined): void => {
    if (stage === undefined || needed.has(stage)) return;
    needed.add(stage);
    const sources = stage.steps.flatMap((step) => (step.kind === "copy" ? [step.from] : []));
    for (const name of [stage.from, ...sources]) need(stages.find((each) => each.name === name));
  };
  need(stages.at(-1));
  return stages.filter((stage) => needed.has(stage));
};
