/**
 * npm run build:dashboard: the page, built into services/dashboard/dist with every file compressed beside it. With
 * `-- --if-stale` only when what it is made of has changed; `--out folder` for another place, `--api https://host/` for a
 * page that somebody else serves than the API at that address.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");
const page = join(root, "services/dashboard");
const { values } = parseArgs({
  options: {
    "if-stale": { type: "boolean", default: false },
    out: { type: "string", default: join(page, "dist") },
    api: { type: "string", default: "" },
  },
});
const dist = resolve(values.out);
/** Without a quote in it, as every address that is one. */
const api = values.api === "" ? "" : new URL(values.api).href;
const STAMP = ".built-from";
/**
 * What the page is made of; the lock file says which versions of others' parts. Of shared/domain and shared/wire it takes
 * types alone, which leave nothing in it.
 */
const SOURCES = ["services/dashboard", "shared/client", "package-lock.json", "dev/build-dashboard.ts"];
/** `light-dark()` as it is: those who have it have all else that the page uses. */
const BROWSERS = ["chrome123", "firefox120", "safari17.5"];
const COMPRESSED = /\.(html|js|css|svg)$/;

const filesOf = (source: string): string[] => {
  const path = join(root, source);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/dist(\.|\/|$)/.test(`${entry.parentPath}/`))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
};

const fingerprint = (): string => {
  const hash = createHash("sha256").update(api);
  for (const file of SOURCES.flatMap(filesOf))
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
};

const isFresh = (stamp: string): boolean =>
  existsSync(join(dist, STAMP)) && readFileSync(join(dist, STAMP), "utf8") === stamp;

const compress = (file: string): void => {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
};

/** Before it is compressed: a server that prefers the compressed file would not see a change made afterwards. */
const writeApi = (file: string): void => {
  const place = '<meta name="coffee-rt-api" content="';
  const [before, after, ...more] = readFileSync(file, "utf8").split(`${place}"`);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} has no single place for the API's address`);
  writeFileSync(file, `${before}${place}${api}"${after}`);
};

/** Beside, and then put in place as a whole: whoever serves the page never sees half of one. */
const buildPage = async (stamp: string): Promise<void> => {
  const [partial, former] = [`${dist}.${process.pid}`, `${dist}.${process.pid}.former`];
  // its native parts take a while to load, which a page that is up to date does not need
  const { build } = await import("vite");
  try {
    await build({
      configFile: false,
      root: page,
      // relative, so that a proxy may serve it under any path
      base: "./",
      logLevel: "warn",
      build: { outDir: partial, emptyOutDir: true, target: BROWSERS, modulePreload: { polyfill: false } },
    });
    writeApi(join(partial, "index.html"));
    for (const entry of readdirSync(partial, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && COMPRESSED.test(entry.name)) compress(join(entry.parentPath, entry.name));
    writeFileSync(join(partial, STAMP), stamp);
    if (existsSync(dist)) renameSync(dist, former);
    renameSync(partial, dist);
  } finally {
    for (const folder of [partial, former]) rmSync(folder, { recursive: true, force: true });
  }
};

const stamp = fingerprint();
if (values["if-stale"] !== true || !isFresh(stamp)) {
  const startedAt = performance.now();
  await buildPage(stamp);
  console.log(`the dashboard is built (${Math.round(performance.now() - startedAt)} ms)`);
}
