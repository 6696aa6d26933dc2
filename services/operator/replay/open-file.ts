/** A sales file's bytes, unpacked where it is compressed by gzip. */
import { createReadStream } from "node:fs";
import { open as openHandle } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import type { OpenFile } from "#shared/imports/encodings.ts";
import { isGzip } from "#shared/imports/file-kinds.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { UsageError } from "../command.ts";

const MAGIC_BYTES = 4;

/** Rejects with a UsageError for a folder. */
export const openFile = async (path: string): Promise<OpenFile> => {
  const file = await openHandle(path);
  try {
    if ((await file.stat()).isDirectory()) throw new UsageError(`${path} is a folder: expected a CSV file`);
    const { buffer } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    return isGzip(buffer) ? () => unpacked(path) : () => createReadStream(path);
  } finally {
    await file.close();
  }
};

async function* unpacked(path: string): AsyncGenerator<Buffer> {
  const source = createReadStream(path);
  const unzip = createGunzip();
  source.once("error", (error) => unzip.destroy(error));
  try {
    yield* source.pipe(unzip) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new Error(`the gzip file is damaged: ${messageOf(error)}`, { cause: error });
  } finally {
    source.destroy();
  }
}
