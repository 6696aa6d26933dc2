import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { holdFolder } from "./data-dir.ts";

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
