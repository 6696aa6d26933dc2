/** Peers: programs in other languages, in loadtest/peers, that do what a mode does and less. They are built once, where their tool is. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type ServerName, serversOf } from "#shared/servers.ts";
import { cacheFolder } from "../../../dev/system/servers/data-dir.ts";

export type Peer = {
  /** Of its arrangement, its folder in loadtest/peers and its route: /api/{name}/order. */
  readonly name: string;
  readonly servers: readonly ServerName[];
  /** Measured where one of them is. */
  readonly comparedWith: readonly string[];
  /** Where the audit finds its orders: in the table `orders`, or in the run's topic. */
  readonly keeps: "rows" | "records";
  readonly durability: string;
  /** Builds it: a command on the PATH, or where its own installer puts it without touching the PATH. */
  readonly tool: { readonly name: string; readonly elsewhere: string; readonly site: string };
  readonly argsInto: (folder: string) => readonly string[];
  /** In that folder. */
  readonly binary: string;
};

export const PEERS: readonly Peer[] = [
  {
    name: "axum",
    servers: ["postgres"],
    comparedWith: ["v1", "v2", "v3"],
    keeps: "rows",
    durability: "201: committed in PostgreSQL (synchronous_commit on)",
    tool: { name: "cargo", elsewhere: join(homedir(), ".cargo/bin/cargo"), site: "https://rustup.rs" },
    argsInto: (folder) => ["build", "--release", "--locked", "--target-dir", folder],
    binary: "release/axum-peer",
  },
  {
    name: "benthos",
    servers: serversOf([{ backend: "kafka" }]),
    comparedWith: ["v3"],
    keeps: "records",
    durability: "201: acknowledged by all in-sync replicas (one broker; not power loss)",
    tool: { name: "go", elsewhere: "/usr/local/go/bin/go", site: "https://go.dev/doc/install" },
    argsInto: (folder) => ["build", "-mod=readonly", "-trimpath", "-o", `${folder}/benthos-peer`, "."],
    binary: "benthos-peer",
  },
];

const ROOT = join(import.meta.dirname, "../../peers");
/** With nothing in the tool's caches, on two busy cores. */
const BUILD_WITHIN_MS = 900_000;
const MOST_OUTPUT_BYTES = 10_000_000;
const run = promisify(execFile);

/** Null where it is not installed. */
export const toolOf = async ({ tool }: Peer): Promise<string | null> => {
  for (const command of [tool.name, tool.elsewhere])
    try {
      await run(command, ["version"]);
      return command;
    } catch {
      // not there: the next place
    }
  return null;
};

/** Where the peer's program is; it is built first unless these very sources were. Throws where it cannot be built, with the reason. */
export const builtPeer = async (peer: Peer, log: (line: string) => void): Promise<string> => {
  const { name, tool } = peer;
  const sources = join(ROOT, name);
  const program = join(cacheFolder(), `peer-${name}-${hashOf(sources)}`);
  if (existsSync(program)) return program;
  const command = await toolOf(peer);
  if (command === null) throw new Error(`${tool.name} is missing (${tool.site})`);
  log(`building ${name} with ${tool.name} (a minute or more, once)`);
  const folder = mkdtempSync(`${program}-`);
  try {
    await run("nice", ["-n", "5", command, ...peer.argsInto(folder)], {
      ...{ cwd: sources, timeout: BUILD_WITHIN_MS, maxBuffer: MOST_OUTPUT_BYTES },
    });
    renameSync(join(folder, peer.binary), program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return program;
};

/** What of these cannot be built, with the reason. */
export const missingPeers = async (
  peers: readonly Peer[],
  log: (line: string) => void,
): Promise<Map<Peer, string>> => {
  const missing = new Map<Peer, string>();
  for (const peer of peers)
    await builtPeer(peer, log).catch((error: unknown) => missing.set(peer, messageOf(error)));
  return missing;
};

/** Of the files that make the program, at most one folder deep; what a tool leaves beside them is not among these. */
const hashOf = (folder: string): string => {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const file of files.filter((each) => SOURCE.test(each)).sort())
    hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
};

const SOURCE = /^(src\/)?[^/]+\.(rs|toml|lock|go|mod|sum|yaml)$/;
