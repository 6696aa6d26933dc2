/** The built dashboard in memory: every file as it is and compressed, as the build left it. */
import { hash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";

export type PageFile = {
  readonly type: string;
  /** Of what is in it. */
  readonly digest: string;
  readonly bytes: Buffer;
  /** By the name of the content coding. */
  readonly encoded: ReadonlyMap<string, Buffer>;
};

/** By the path below the page's own, as `index.html`; null when nothing is built. */
export type PageFiles = () => ReadonlyMap<string, PageFile> | null;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** The best first. */
const CODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;
/** Somebody who has just built it reloads the page; whoever asks in between is not worth a look at the disk. */
const LOOK_EVERY_MS = 500;

/**
 * Looks again when the page was built meanwhile, so that the API need not be started again. What the page before loads is
 * still there: it may be on its way to a browser.
 */
export const openPageFiles = (folder: string): PageFiles => {
  let files: ReadonlyMap<string, PageFile> | null = null;
  let latest: ReadonlyMap<string, PageFile> = new Map();
  let builtAtMs: number | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - lookedAt < LOOK_EVERY_MS) return files;
    lookedAt = performance.now();
    const found = builtAt(folder);
    if (found === builtAtMs) return files;
    const read = found === null ? null : readWhole(folder);
    // it is being put in place: the next look finds it
    if (found !== null && read === null) return files;
    files = read && new Map([...assetsIn(latest), ...read]);
    latest = read ?? latest;
    builtAtMs = found;
    return files;
  };
};

const assetsIn = (files: ReadonlyMap<string, PageFile>): [string, PageFile][] =>
  [...files].filter(([path]) => path.startsWith("assets/"));

/** A build puts its folder in place as a whole. */
const builtAt = (folder: string): number | null =>
  statSync(join(folder, "index.html"), { throwIfNoEntry: false })?.ctimeMs ?? null;

/** Null when it went away meanwhile, as it does while another build takes its place. */
const readWhole = (folder: string): ReadonlyMap<string, PageFile> | null => {
  try {
    return readFiles(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
};

const readFiles = (folder: string): ReadonlyMap<string, PageFile> => {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  const all = new Set(paths);
  const read = (path: string): Buffer => readFileSync(join(folder, path));
  return new Map(
    paths.flatMap((path) => {
      const type = TYPES[extname(path)];
      if (type === undefined) return [];
      const bytes = read(path);
      const digest = hash("sha256", bytes, "base64url");
      const encoded = new Map(
        CODINGS.filter(([, ending]) => all.has(path + ending)).map(([coding, ending]) => [
          coding,
          read(path + ending),
        ]),
      );
      return [[path, { type, digest, bytes, encoded }] as const];
    }),
  );
};
