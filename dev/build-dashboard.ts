/**
 * npm run build:dashboard: builds the page into services/dashboard/dist, with a compressed copy of every file next to it.
 * `-- --if-stale` builds only when a source has changed; `--out folder` builds elsewhere; `--api https://host/` builds a
 * page whose API runs at that address, for a page served by another host.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");
const page = join(root, "services/dashboard");
const STAMP = ".built-from";
/** The lock file covers the versions of libraries. Types from shared/domain and shared/wire leave nothing in the bundle. */
const SOURCES = ["services/dashboard", "shared/client", "package-lock.json", "dev/build-dashboard.ts"];
/** The first versions with `light-dark()`; they have everything else that the page uses. */
const BROWSERS = ["chrome123", "firefox120", "safari17.5"];
const COMPRESSED = /\.(html|js|css|svg)$/;

/** Builds in a separate process, so that the bundler's memory is freed. Quick when no source has changed. */
export const buildPageIfStale = async (): Promise<void> => {
  await promisify(execFile)(process.execPath, [import.meta.filename, "--if-stale"], { cwd: root });
};

const filesOf = (source: string): string[] => {
  const path = join(root, source);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/dist(\.|\/|$)/.test(`${entry.parentPath}/`))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
};

const fingerprint = (api: string): string => {
  const hash = createHash("sha256").update(api);
  for (const file of SOURCES.flatMap(filesOf))
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
};

const isFresh = (dist: string, stamp: string): boolean =>
  existsSync(join(dist, STAMP)) && readFileSync(join(dist, STAMP), "utf8") === stamp;

const compress = (file: string): void => {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
};

/** Before compression: a server that prefers the compressed file would not see a later change. */
const writeApi = (file: string, api: string): void => {
  const place = '<meta name="coffee-rt-api" content="';
  const [before, after, ...more] = readFileSync(file, "utf8").split(`${place}"`);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file}: expected exactly one ${place}">`);
  writeFileSync(file, `${before}${place}${api}"${after}`);
};

/**
 * Builds into a separate folder and renames it, so that no server ever serves a half-written page. The build before is
 * kept as `dist.former`: a browser that has its page still loads its assets from a running API.
 */
const buildPage = async (dist: string, api: string, stamp: string): Promise<void> => {
  const former = `${dist}.former`;
  const [partial, replaced] = [`${dist}.${process.pid}`, `${dist}.${process.pid}.former`];
  // loading its native parts takes a while, and an up-to-date page does not need it
  const { build } = await import("vite");
  try {
    await build({
      configFile: false,
      root: page,
      // relative, so that a proxy may serve the page under any path
      base: "./",
      logLevel: "warn",
      build: { outDir: partial, emptyOutDir: true, target: BROWSERS, modulePreload: { polyfill: false } },
    });
    writeApi(join(partial, "index.html"), api);
    for (const entry of readdirSync(partial, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && COMPRESSED.test(entry.name)) compress(join(entry.parentPath, entry.name));
    writeFileSync(join(partial, STAMP), stamp);
    const isRebuild = existsSync(dist);
    if (isRebuild) renameSync(dist, replaced);
    renameSync(partial, dist);
    if (isRebuild) {
      rmSync(former, { recursive: true, force: true });
      renameSync(replaced, former);
    }
  } finally {
    for (const folder of [partial, replaced]) rmSync(folder, { recursive: true, force: true });
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      "if-stale": { type: "boolean", default: false },
      out: { type: "string", default: join(page, "dist") },
      api: { type: "string", default: "" },
    },
  });
  const dist = resolve(values.out);
  // as a URL it has no quotes, so it can stand in an attribute
  const api = values.api === "" ? "" : new URL(values.api).href;
  const stamp = fingerprint(api);
  if (values["if-stale"] && isFresh(dist, stamp)) return;
  const startedAt = performance.now();
  await buildPage(dist, api, stamp);
  console.log(`dashboard built (${Math.round(performance.now() - startedAt)} ms)`);
};

// not import.meta.main: dev/bootstrap.mjs imports the commands of npm
if (process.argv[1] === import.meta.filename) await main();
