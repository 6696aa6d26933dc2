import { open } from "node:fs/promises";

/** Up to `length` bytes of a file from `offset` on. */
export const bytesAt = async (path: string, offset: number, length: number): Promise<Buffer> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

const NEWLINE = 0x0a;

/**
 * The first line from `offset` on that is not blank, without its end; how many blank ones stand before it, and the
 * bytes of all of them. Throws when it does not end within `mostBytes`.
 */
export const lineAt = async (
  path: string,
  offset: number,
  mostBytes: number,
): Promise<{ line: Buffer; blankLines: number; bytes: number }> => {
  const text = await bytesAt(path, offset, mostBytes);
  let [from, blankLines] = [0, 0];
  for (;;) {
    const newline = text.indexOf(NEWLINE, from);
    if (newline < 0 && text.length === mostBytes)
      throw new Error(`a line of more than ${mostBytes} bytes: is this a CSV file?`);
    const end = newline < 0 ? text.length : newline + 1;
    const line = text.subarray(from, end);
    if (end === text.length || line.toString("latin1").trim() !== "")
      return { line: trimmed(line), blankLines, bytes: end };
    from = end;
    blankLines++;
  }
};

const trimmed = (line: Buffer): Buffer => {
  let end = line.length;
  while (end > 0 && (line[end - 1] === NEWLINE || line[end - 1] === 0x0d)) end--;
  return line.subarray(0, end);
};
