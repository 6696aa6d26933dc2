import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { waitUntil } from "../wait.ts";
import { holdFolder, ownFolderInTmp, serverFolder, stateFolder } from "./data-dir.ts";

const asRoot = process.getuid?.() === 0;
const base = folderForFile();

const folderNamed = (name: string) => {
  const folder = join(base, name);
  mkdirSync(folder);
  return folder;
};

const untilFree = (folder: string): Promise<void> =>
  waitUntil("the folder is free", async () => {
    (await holdFolder(folder))();
    return true;
  });

test("a held folder refuses a second holder until it is released", async () => {
  const folder = folderNamed("held");
  const release = await holdFolder(folder);
  await expect(holdFolder(folder)).rejects.toThrow(folder);
  release();
  await untilFree(folder);
});

test("a holder that is killed frees its folder", async () => {
  const folder = folderNamed("killed");
  const program = `
    const { holdFolder } = await import(${JSON.stringify(join(import.meta.dirname, "data-dir.ts"))});
    await holdFolder(${JSON.stringify(folder)});
    console.log("held");
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  await expect(holdFolder(folder)).rejects.toThrow("stop that one first");
  holder.kill("SIGKILL");
  await untilFree(folder);
});

test("the state folder is in the project, unless the servers of root cannot read there", () => {
  const project = folderNamed("project");
  expect(stateFolder(project)).toBe(join(project, ".coffee-rt"));
  const secret = folderNamed("secret");
  const inside = join(secret, "project");
  mkdirSync(inside);
  chmodSync(secret, 0o700);
  const state = stateFolder(inside);
  if (asRoot) {
    expect(state.startsWith(realpathSync(tmpdir()))).toBe(true);
    expect(state).not.toContain(secret);
    rmSync(state, { recursive: true });
  } else expect(state).toBe(join(inside, ".coffee-rt"));
});

test("rejects a folder in /tmp that others may write to", () => {
  const name = `coffee-rt-test-open-${process.pid}`;
  const folder = ownFolderInTmp(name);
  chmodSync(folder, 0o777);
  expect(() => ownFolderInTmp(name)).toThrow(folder);
  rmSync(folder, { recursive: true });
});

test("only the server may read its folder", () => {
  const { folder, temporary } = serverFolder("any", folderNamed("data"));
  expect(temporary).toBe(false);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(folder).uid).toBe(asRoot ? 65_534 : process.getuid?.());
});
