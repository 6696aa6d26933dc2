/** The bodies that the order routes take: their media types, and compression. */
import { Readable } from "node:stream";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { FastifyReply, FastifyRequest, RequestPayload } from "fastify";
import { handleError, problemOf, sendProblem } from "./problems.ts";

type Decompress = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const gunzip: Decompress = promisify(zlib.gunzip);
const DECOMPRESS = new Map<string, Decompress>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", promisify(zlib.inflate)],
  ["br", promisify(zlib.brotliDecompress)],
  ["zstd", promisify(zlib.zstdDecompress)],
]);
export const ACCEPTED_ENCODINGS = [...DECOMPRESS.keys()].join(", ");

/**
 * A `preParsing` hook: decompresses a body. Both its sizes are limited by the route's `bodyLimit`: zlib stops at the limit,
 * so a small body that would become a gigabyte costs no more than the limit.
 */
export const decompress = (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  done: (error?: Error | null, payload?: RequestPayload) => void,
): void => {
  const given = request.headers["content-encoding"];
  if (!given || given === "identity") {
    done(null, payload);
    return;
  }
  const encoding = given.trim().toLowerCase();
  const work = DECOMPRESS.get(encoding);
  const limit = request.routeOptions.bodyLimit;
  if (work === undefined) {
    reply.header("accept-encoding", ACCEPTED_ENCODINGS);
    const message = `Content-Encoding must be one of ${ACCEPTED_ENCODINGS}, or be missing; it is ${given}`;
    done(rejection(415, message));
    return;
  }
  wholeOf(payload, limit)
    .then(async (body) => {
      const plain = await work(body, { maxOutputLength: limit }).catch((error: unknown) => {
        throw decompressError(error as Error & { code?: string }, encoding, limit);
      });
      return Object.assign(Readable.from(plain), { receivedEncodedLength: body.length });
    })
    .then((plain) => done(null, plain), done);
};

const decompressError = (error: Error & { code?: string }, encoding: string, limit: number): Error =>
  error.code === "ERR_BUFFER_TOO_LARGE"
    ? rejection(413, `the body has more than ${limit} bytes once it is decompressed`)
    : rejection(400, `the body is not ${encoding}, as Content-Encoding says: ${error.message}`);

/** The body as it was sent. A rest beyond the limit is read and dropped: closing the connection here would lose the reply. */
const wholeOf = (payload: RequestPayload, limit: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    payload.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else reject(rejection(413, `the body has more than ${limit} bytes`));
    });
    payload.once("end", () => resolve(Buffer.concat(chunks)));
    // the client disconnected: not an error of the server
    payload.once("error", (error) => reject(Object.assign(error, { statusCode: 400 })));
  });

/** As Fastify's own errors are, which `handleError` answers. */
export const rejection = (statusCode: 400 | 413 | 415, message: string): Error & { statusCode: number } =>
  Object.assign(new Error(message), { statusCode });

/** An error handler: as `handleError`, with the media types that the route takes where the body's is none of them. */
export const bodyErrors =
  (types: readonly string[]): typeof handleError =>
  (error, request, reply) =>
    error.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE"
      ? sendUnsupportedType(request, reply, types)
      : handleError(error, request, reply);

/** Of the types the first is preferred. */
const sendUnsupportedType = (
  request: FastifyRequest,
  reply: FastifyReply,
  types: readonly string[],
): FastifyReply => {
  const accepted = types.join(", ");
  const given = request.headers["content-type"];
  const detail = `Content-Type must be one of ${accepted}; it is ${given ?? "missing"}`;
  reply.headers({ accept: accepted, "accept-post": accepted });
  return sendProblem(reply, problemOf("unsupported-media-type", { detail }));
};
