/** Folders and HTTP servers that exist as long as a test file or a test. */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

/** Every user can read it: as root, servers run as another user. */
const makeFolder = (): string => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-test-"));
  chmodSync(folder, 0o755);
  return folder;
};
const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** It is removed after the tests of the file. */
export const folderForFile = (): string => {
  const folder = makeFolder();
  afterAll(() => remove(folder));
  return folder;
};

/** It is removed after the current test. */
export const folderForTest = (): string => {
  const folder = makeFolder();
  onTestFinished(() => remove(folder));
  return folder;
};

export type TestServer = { readonly url: string; readonly server: Server; close(): void };

/** It is closed after the current test at the latest. */
export const serveForTest = async (listener: RequestListener): Promise<TestServer> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, close };
};
