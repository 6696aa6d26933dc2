/** Requests that no route takes: 405 with `Allow` where the path has other methods, else 404. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { problemOf, sendProblem } from "./problems.ts";

/** Those of the whole server, for `OPTIONS *`. */
const METHODS = ["GET", "HEAD", "POST"];

/**
 * Answers unknown requests before their body is read. OPTIONS, which has no route of its own, returns the methods of a path.
 */
export const addMethodRules = (app: FastifyInstance): void => {
  const methodsOf = (path: string): readonly string[] =>
    path === "*"
      ? METHODS
      : app.supportedMethods.filter((method) => app.findRoute({ method, url: path }) !== null);

  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { method } = request;
    const path = request.url.split("?", 1)[0] ?? "";
    const methods = methodsOf(path);
    // a route may find that it has nothing at this path, as for a missing file
    if (methods.length === 0 || methods.includes(method)) return sendProblem(reply, notFound(method, path));
    const allowed = [...methods, "OPTIONS"].join(", ");
    reply.header("allow", allowed);
    if (method === "OPTIONS") return reply.code(204).send();
    const detail = `${method} is not a method of ${path}; it has ${allowed}`;
    return sendProblem(reply, problemOf("method-not-allowed", { detail }));
  };

  app.addHook("onRequest", (request, reply, done) => {
    if (request.is404) answer(request, reply);
    else done();
  });
  // for routes that find nothing
  app.setNotFoundHandler(answer);
};

const notFound = (method: string, path: string) =>
  problemOf("not-found", { detail: `${method} ${path} is not part of this API or its mode is not enabled` });
