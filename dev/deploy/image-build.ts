/**
 * Carries out a Dockerfile's steps in folders, a layer a stage, as an engine would: overlays over what a stage is made
 * from, and RUN inside it. For root, in a mount namespace of its own (`unshare --mount`), with which all of it goes.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Copy, Stage, Step } from "./dockerfile.ts";
import { npmSettings, ownTrust } from "./image-root.ts";

export type Built = {
  /** The merged tree. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly stage: Stage;
};

export type Building = {
  readonly stages: readonly Stage[];
  /** What the first stage is made from. */
  readonly base: string;
  /** The files that COPY takes from. */
  readonly context: string;
  /** By .dockerignore, of a path from there. */
  readonly isIgnored: (path: string) => boolean;
  /** Where layers are kept. */
  readonly layers: string;
  readonly log: (line: string) => void;
};

/** npm ci with everything, over a slow line. */
const STEP_WITHIN_MS = 1_200_000;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const mount = (...args: readonly string[]): void => {
  execFileSync("mount", [...args], { stdio: ["ignore", "ignore", "inherit"] });
};

/** A file or folder of this machine, seen at the same place inside, and gone afterwards. */
const withOwnTrust = (root: string, act: () => void): void => {
  const lent: string[] = [];
  const settings = npmSettings();
  const npmrc = join(root, "root/.npmrc");
  try {
    for (const file of ownTrust()) {
      const inside = join(root, file);
      if (!existsSync(inside)) {
        if (statSync(file).isDirectory()) mkdirSync(inside, { recursive: true });
        else writeFileSync(inside, "");
      }
      mount("--bind", file, inside);
      lent.push(inside);
    }
    for (const [type, at] of [
      ["proc", "proc"],
      ["tmpfs", "tmp"],
    ] as const) {
      mount("-t", type, type, join(root, at));
      lent.push(join(root, at));
    }
    if (settings !== null) writeFileSync(npmrc, settings, { mode: 0o600 });
    act();
  } finally {
    rmSync(npmrc, { force: true });
    for (const inside of lent.reverse()) execFileSync("umount", ["--lazy", inside]);
  }
};

/** What of this machine's environment a download needs. */
const reach = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /^(NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|(https?|no)_proxy)$/i.test(name)
        ? [[name, value]]
        : [],
    ),
  );

/** COPY: a folder's contents into the target, a file into a folder or under its new name. */
const copy = (
  { sources, target, from }: Copy,
  source: string,
  at: Growing,
  isIgnored: Building["isIgnored"],
): void => {
  const into = join(at.root, resolve(at.folder, target));
  const intoFolder = target.endsWith("/") || sources.length > 1;
  for (const each of sources) {
    const path = isAbsolute(each) ? join(source, each) : join(source, relative("/", join("/", each)));
    const isFolder = statSync(path).isDirectory();
    const to = isFolder || !intoFolder ? into : join(into, basename(each));
    mkdirSync(dirname(to), { recursive: true });
    // files of the context belong to root, whatever their owner here
    const filter = (file: string): boolean => from !== null || !isIgnored(relative(source, file));
    cpSync(path, to, { recursive: true, filter, preserveTimestamps: true, verbatimSymlinks: true });
    if (from === null) readableByAll(to);
  }
};

/** As a checkout is, whatever this machine's umask made of it. */
const readableByAll = (path: string): void => {
  execFileSync("chmod", ["-R", "u+rwX,go+rX,go-w", path]);
  execFileSync("chown", ["-R", "0:0", path]);
};

type Growing = { root: string; env: Record<string, string>; folder: string; user: Built["user"] };

const carryOut = (step: Step, at: Growing, building: Building, named: ReadonlyMap<string, Built>): void => {
  if (step.kind === "workdir") {
    at.folder = resolve(at.folder, step.path);
    mkdirSync(join(at.root, at.folder), { recursive: true });
  } else if (step.kind === "env") Object.assign(at.env, step.values);
  else if (step.kind === "user") at.user = { uid: step.uid, gid: step.gid };
  else if (step.kind === "copy") {
    const other = step.from === null ? undefined : named.get(step.from);
    if (step.from !== null && other === undefined)
      throw new Error(`COPY from ${step.from}: there is no such stage`);
    copy(step, other?.root ?? building.context, at, building.isIgnored);
  } else {
    building.log(`RUN ${step.command.at(-1)}`);
    const env = { PATH, HOME: "/root", DEBIAN_FRONTEND: "noninteractive", ...reach(), ...at.env };
    const args = [
      "--kill-child",
      "--pid",
      "--fork",
      "chroot",
      at.root,
      "/usr/bin/env",
      "-C",
      at.folder,
      ...step.command,
    ];
    withOwnTrust(at.root, () => {
      execFileSync("unshare", args, { env, timeout: STEP_WITHIN_MS, stdio: ["ignore", 2, 2] });
    });
  }
};

/** The last stage. Every stage's tree stays mounted until this process' namespace ends. */
export const build = (building: Building): Built => {
  const named = new Map<string, Built>();
  let last: Built | undefined;
  for (const [index, stage] of building.stages.entries()) {
    const parent = named.get(stage.from);
    if (parent === undefined && stage.from !== building.stages[0]?.from)
      throw new Error(`FROM ${stage.from}: neither a stage, nor what the first one is made from`);
    const folder = join(building.layers, String(index));
    const [own, work, root] = ["own", "work", "root"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const each of [own, work, root]) mkdirSync(each, { recursive: true });
    // the layer is the image's root, which everybody may enter
    chmodSync(own, 0o755);
    mount(
      "-t",
      "overlay",
      "overlay",
      "-o",
      `lowerdir=${parent?.root ?? building.base},upperdir=${own},workdir=${work}`,
      root,
    );
    const at: Growing = {
      root,
      env: { ...parent?.env },
      folder: parent?.folder ?? "/",
      user: parent?.user ?? { uid: 0, gid: 0 },
    };
    for (const step of stage.steps) carryOut(step, at, building, named);
    last = { ...at, stage };
    if (stage.name !== null) named.set(stage.name, last);
  }
  if (last === undefined) throw new Error("the Dockerfile has no stage");
  return last;
};
