import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * An `onSend` hook: tags a 200 with the hash of its bytes, and answers 304 to who has them already. The page is read
 * all the same: the version of the rollups would be cheaper to compare, and would differ after every order of any hour.
 */
export const tagReply = async (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> => {
  if (reply.statusCode !== 200 || typeof payload !== "string") return payload;
  const tag = `"${hash("sha256", payload, "base64url")}"`;
  reply.header("etag", tag);
  if (!isAmong(request.headers["if-none-match"], tag)) return payload;
  for (const name of ["content-type", "content-length", "content-disposition", "link"])
    reply.removeHeader(name);
  reply.code(304);
  return null;
};

/** RFC 9110, 13.1.2: a list of tags, weak ones compared as strong ones are. */
const isAmong = (given: string | undefined, tag: string): boolean =>
  (given ?? "").split(",").some((each) => ["*", tag].includes(each.trim().replace(/^W\//, "")));
