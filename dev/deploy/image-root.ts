/**
 * What the image is made from, as far as it can be had without a registry of images: a bare Debian of the same release by
 * debootstrap, with the same Node from npm and the npm of this machine, where the image of Node has them.
 */
import { execFile } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { fromPackage } from "../system/servers/apt.ts";
import { cacheFolder } from "../system/servers/data-dir.ts";

const run = promisify(execFile);
const RELEASE = "bookworm";
const WITHIN_MS = 600_000;

const debootstrap = (log: (line: string) => void): Promise<string> =>
  fromPackage(
    {
      name: "debootstrap",
      find: async (root) => {
        const file = join(root, "usr/sbin/debootstrap");
        return existsSync(file) ? file : null;
      },
      unpacked: async () => ["debootstrap"],
      whatToDo: "debootstrap is missing and could not be installed: apt-get install debootstrap",
    },
    log,
  );

/** npm is JavaScript alone, and its own folder is all of it. */
const npmFolder = async (): Promise<string> => {
  const { stdout } = await run("which", ["npm"]);
  return dirname(dirname(realpathSync(stdout.trim())));
};

/** As the image of Node has it. */
const addUser = (root: string): void => {
  appendFileSync(join(root, "etc/passwd"), "node:x:1000:1000::/home/node:/bin/sh\n");
  appendFileSync(join(root, "etc/group"), "node:x:1000:\n");
};

/** Debian's folder, made once; it is not written to afterwards. Only root can make it. */
export const baseRoot = async (node: string, log: (line: string) => void): Promise<string> => {
  const folder = join(cacheFolder(), `image-root-${RELEASE}-${process.version}`);
  if (existsSync(folder)) return folder;
  const command = await debootstrap(log);
  log(`making a bare ${RELEASE} with debootstrap (a minute, once)`);
  const partial = mkdtempSync(`${folder}-`);
  try {
    await run(command, ["--variant=minbase", RELEASE, partial], {
      timeout: WITHIN_MS,
      maxBuffer: 10_000_000,
    });
    copyFileSync(node, join(partial, "usr/local/bin/node"));
    cpSync(await npmFolder(), join(partial, "usr/local/lib/node_modules/npm"), { recursive: true });
    symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(partial, "usr/local/bin/npm"));
    addUser(partial);
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
};

/** The tag of the image that this stands for; an error where the Dockerfile asks for another. */
export const standsFor = (from: string): void => {
  const wanted = `node:${process.version.slice(1)}-${RELEASE}-slim`;
  if (from !== wanted)
    throw new Error(`the image is made from ${from}, and what is here stands for ${wanted}`);
};

/** Files of this machine by which a step reaches what it downloads; none of them gets into the image. */
export const ownTrust = (): readonly string[] =>
  ["/etc/resolv.conf", "/etc/ssl/certs", "/etc/hosts"].filter((file) => existsSync(file));

export const npmSettings = (): string | null => {
  const file = join(process.env["HOME"] ?? "/root", ".npmrc");
  return existsSync(file) ? readFileSync(file, "utf8") : null;
};
