/**
 * The image without an engine: its Dockerfile carried out in folders, its tree looked at, and the programs run from it
 * as its user, on a read-only root, against the project's real servers.
 *
 * Started by `npm run check:deploy` in a mount namespace of its own, with a folder for layers; prints what it saw.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { startServers } from "../system/servers/start.ts";
import { stagesIn, stagesOfImage } from "./dockerfile.ts";
import { ignoring } from "./dockerignore.ts";
import { build } from "./image-build.ts";
import { baseRoot, standsFor } from "./image-root.ts";
import { runSystem } from "./image-run.ts";
import { treeProblems, treeSizeMb } from "./image-tree.ts";

const context = join(import.meta.dirname, "../..");
const log = (line: string): void => console.error(`  ${line}`);

const stages = stagesOfImage(stagesIn(readFileSync(join(context, "Dockerfile"), "utf8")));
/** Removed by the caller, once the mounts in it have gone with this process. */
const [layers = ""] = process.argv.slice(2);
const servers: { stop(): Promise<void> }[] = [];
try {
  standsFor(stages[0]?.from ?? "");
  const base = await baseRoot(process.execPath, log);
  const isIgnored = ignoring(readFileSync(join(context, ".dockerignore"), "utf8"));
  const image = build({ stages, base, context, isIgnored, layers, log });
  const problems = treeProblems(image);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  console.log(`the tree: ${treeSizeMb(image)} MB in /app, root's, production dependencies alone`);
  const started = await startServers({ postgres: { durable: false }, board: {}, stream: {}, kafka: { log } });
  servers.push(...Object.values(started));
  for (const line of await runSystem(image, started)) console.log(line);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
