import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { PageFile, PageFiles } from "../page-files.ts";
import { sendProblem } from "../problem.ts";

/** The page brings all it shows, and talks to this API alone; 'self' is its WebSocket too. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Files under assets/ have the hash of what is in them in their names. */
const FOR_EVER = "public, max-age=31536000, immutable";
const ASK_AGAIN = "no-cache";
/** Small, seldom another, and no harm when old: nobody waits for the answer that they are the same. */
const A_DAY = "public, max-age=86400";

const NOT_BUILT = {
  type: "not-found",
  title: "The dashboard is not built",
  status: 404,
  detail:
    "the API was started without its page, which npm run build:dashboard makes; all else works, see /docs",
};

/** The dashboard at `/` and the files that it loads. */
export const addPageRoutes = (app: FastifyInstance, pageFiles: PageFiles): void => {
  const send = (request: FastifyRequest, reply: FastifyReply, path: string, cache: string): FastifyReply => {
    const files = pageFiles();
    const file = files?.get(path);
    if (file !== undefined) return sendFile(request, reply.header("cache-control", cache), file);
    if (files === null) return sendProblem(reply, NOT_BUILT);
    reply.callNotFound();
    return reply;
  };
  app.get("/", (request, reply) => {
    reply.headers({
      "content-security-policy": PAGE_POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
    });
    return send(request, reply, "index.html", ASK_AGAIN);
  });
  for (const path of ["favicon.svg", "theme.js"])
    app.get(`/${path}`, (request, reply) => send(request, reply, path, A_DAY));
  app.get<{ Params: { file: string } }>("/assets/:file", (request, reply) =>
    send(request, reply, `assets/${request.params.file}`, FOR_EVER),
  );
};

const sendFile = (request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply => {
  const accepted = codingsIn(request.headers["accept-encoding"]);
  const coding = [...file.encoded.keys()].find((each) => accepted.has(each)) ?? "identity";
  const bytes = file.encoded.get(coding) ?? file.bytes;
  // other bytes are another representation, with another strong validator (RFC 9110, 8.8.3)
  const etag = `"${file.digest}-${coding}"`;
  reply.header("etag", etag).header("vary", "accept-encoding").header("x-content-type-options", "nosniff");
  if (request.headers["if-none-match"]?.includes(etag)) return reply.code(304).send();
  if (coding !== "identity") reply.header("content-encoding", coding);
  return reply.type(file.type).send(bytes);
};

/** What is refused by `q=0` is not accepted; any other weight is. */
const codingsIn = (header: string | string[] | undefined): ReadonlySet<string> =>
  new Set(
    String(header ?? "")
      .split(",")
      .map((part) => part.trim().toLowerCase())
      .filter((part) => !/;\s*q=0(\.0+)?$/.test(part))
      .map((part) => part.replace(/;.*/, "")),
  );
