/** A reply that is made once and sent many times, with its ETag. */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isAmong } from "./headers.ts";

export type Tagged = { readonly body: Buffer; readonly tag: string };

export const taggedJson = (value: object): Tagged => {
  const body = Buffer.from(JSON.stringify(value));
  return { body, tag: `"${hash("sha256", body, "base64url")}"` };
};

/** 304 to a client that has it already. */
export const sendTagged = (
  request: FastifyRequest,
  reply: FastifyReply,
  { body, tag }: Tagged,
): FastifyReply => {
  reply.header("etag", tag).header("cache-control", "no-cache");
  if (isAmong(request.headers["if-none-match"], tag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(body);
};
