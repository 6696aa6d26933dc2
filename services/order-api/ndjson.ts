/** Newline-delimited JSON, read while it arrives. */
import type { Readable } from "node:stream";
import { MOST_BATCH_BYTES, MOST_BATCH_ORDERS } from "#shared/wire/orders.ts";

export const NDJSON = "application/x-ndjson";

/** A line of its own: what is wrong with one does not concern the others. */
export type BatchItem = { readonly value: unknown } | { readonly malformed: string };

/** A body beyond a batch's limits, as Fastify's own errors are. */
export const tooLarge = (): Error & { statusCode: number } =>
  Object.assign(
    new Error(`a batch has at most ${MOST_BATCH_ORDERS} orders and ${MOST_BATCH_BYTES} bytes; send several`),
    { statusCode: 413 },
  );

/**
 * Parses each line as it arrives; empty lines mean nothing. Rejects as soon as a limit is passed, so that no more than
 * a line and the orders before it are held, whatever is sent.
 */
export const readLines = (payload: Readable): Promise<BatchItem[]> =>
  new Promise((resolve, reject) => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const items: BatchItem[] = [];
    let bytes = 0;
    // of a line whose end has not come; joined once, when it has: a body may come byte by byte
    let parts: string[] = [];
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        payload.off("data", onData).off("end", onEnd);
        // what still comes is read and thrown away: a connection that is cut here would lose the reply
        payload.resume();
        reject(error);
      }
    };
    const add = (chunk?: Buffer): void => {
      bytes += chunk?.length ?? 0;
      if (bytes > MOST_BATCH_BYTES) throw tooLarge();
      const [first = "", ...others] = textOf(decoder, chunk).split("\n");
      parts.push(first);
      if (chunk && others.length === 0) return;
      const lines = [parts.join(""), ...others];
      parts = chunk ? lines.splice(-1) : [];
      for (const line of lines) if (line.trim() !== "") items.push(itemOf(line));
      if (items.length > MOST_BATCH_ORDERS) throw tooLarge();
    };
    const onData = (chunk: Buffer): void => attempt(() => add(chunk));
    const onEnd = (): void =>
      attempt(() => {
        add();
        resolve(items);
      });
    // the client went away: no fault of ours
    payload.once("error", (error) => reject(Object.assign(error, { statusCode: 400 })));
    payload.on("data", onData).once("end", onEnd);
  });

/** The end of the input has no chunk; a character may be cut in two by the chunks. */
const textOf = (decoder: InstanceType<typeof TextDecoder>, chunk: Buffer | undefined): string => {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (error) {
    throw Object.assign(new Error("the body is not UTF-8"), { statusCode: 400, cause: error });
  }
};

const itemOf = (line: string): BatchItem => {
  try {
    return { value: JSON.parse(line) };
  } catch (error) {
    return { malformed: (error as Error).message };
  }
};
