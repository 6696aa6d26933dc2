// Folders for servers. Root runs its servers as another user (PostgreSQL refuses root), who must be able to walk to the
// data: a clone under a 0700 home directory cannot hold it.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const OTHERS_MAY_ENTER = 0o001;
const OTHERS_MAY_WRITE = 0o022;
/** "nobody" on every Linux. */
const UNPRIVILEGED_ID = 65_534;

const ownId = () => process.getuid?.() ?? -1;
const asRoot = () => ownId() === 0;

/** The user of a server: an unprivileged one when this process is root, else the same. */
export const serverUser = (): { user?: { uid: number; gid: number } } =>
  asRoot() ? { user: { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } } : {};

export const giveToServerUser = (path: string) => {
  if (asRoot()) chownSync(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
};

/** Whatever root's umask made of downloaded files. */
export const readableByEverybody = (folder: string) => promisify(execFile)("chmod", ["-R", "a+rX", folder]);

const isReachable = (folder: string): boolean =>
  (statSync(folder).mode & OTHERS_MAY_ENTER) !== 0 &&
  (dirname(folder) === folder || isReachable(dirname(folder)));

/**
 * A folder of ours in the OS's folder for temporary files, with a name that another user could have taken first: then
 * what it holds is not ours to run or to trust.
 */
export const ownFolderInTmp = (name: string): string => {
  const folder = join(realpathSync(tmpdir()), `${name}-${ownId()}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== ownId() || (found.mode & OTHERS_MAY_WRITE) !== 0)
    throw new Error(`${folder} belongs to another user or is writable by others: remove it and start again`);
  chmodSync(folder, 0o755); // whatever the umask made of it
  if (!isReachable(folder))
    throw new Error(
      `${folder} cannot be reached by an unprivileged user; set TMPDIR to a folder that can be`,
    );
  return folder;
};

/**
 * Where a project keeps its servers' data and downloads: its own `.coffee-rt`, or, where an unprivileged user could not
 * walk there, a folder named after the project in the OS's folder for temporary files.
 */
export const stateFolder = (project: string): string => {
  const root = realpathSync(project);
  if (asRoot() && !isReachable(root))
    return ownFolderInTmp(`coffee-rt-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
  const folder = join(root, ".coffee-rt");
  mkdirSync(folder, { recursive: true });
  if (asRoot()) chmodSync(folder, 0o755);
  return folder;
};

const projectRoot = join(import.meta.dirname, "../../..");

/** For downloads that every data folder of this project shares. */
export const cacheFolder = (): string => {
  const folder = join(stateFolder(projectRoot), "cache");
  mkdirSync(folder, { recursive: true });
  if (asRoot()) chmodSync(folder, 0o755);
  return folder;
};

/** The folder of one server, belonging to whom it runs as; without a path a temporary one. */
export const serverFolder = (name: string, path?: string): { folder: string; temporary: boolean } => {
  if (path !== undefined) mkdirSync(path, { recursive: true });
  const folder =
    path === undefined ? mkdtempSync(join(realpathSync(tmpdir()), `coffee-rt-${name}-`)) : realpathSync(path);
  if (asRoot()) {
    if (!isReachable(dirname(folder)))
      throw new Error(
        `${folder} cannot be reached by the unprivileged user that ${name} runs as; choose another folder`,
      );
  }
  giveToServerUser(folder);
  chmodSync(folder, 0o700);
  return { folder, temporary: path === undefined };
};

/**
 * Holds a folder against a second start until released or until this process ends in any way: the name of an abstract
 * socket goes with its process, so nothing can go stale.
 */
export const holdFolder = (folder: string): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const path = realpathSync(folder);
    const hash = createHash("sha256").update(path).digest("hex").slice(0, 32);
    const holder = createServer();
    holder.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return reject(error);
      reject(
        new Error(
          `another start of this project is using ${path}: stop that one first, or start from another clone`,
        ),
      );
    });
    holder.listen(`\0coffee-rt-folder-${hash}`, () => resolve(() => holder.close()));
    holder.unref();
  });

const PREFIX = "initialising-";

/**
 * The path of the server's data inside its folder. On the first start `make` fills it under another name, so that what
 * was killed half way is never taken for data; and alone, since nothing guards a server that does not run yet.
 */
export const initialisedOnce = async (
  folder: string,
  make: (path: string) => Promise<void>,
): Promise<string> => {
  const data = join(folder, "data");
  if (existsSync(data)) return data;
  const release = await holdFolder(folder);
  try {
    for (const name of readdirSync(folder))
      if (name.startsWith(PREFIX)) rmSync(join(folder, name), { recursive: true, force: true });
    const partial = join(folder, PREFIX + randomUUID());
    await make(partial);
    renameSync(partial, data);
    return data;
  } finally {
    release();
  }
};
