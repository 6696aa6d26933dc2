import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { problemOf, sendProblem } from "../problems.ts";

/** The page brings all that it shows, and connects to this API alone; 'self' is its WebSocket too. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NO_SNIFFING = { "x-content-type-options": "nosniff" };
const PAGE_HEADERS = {
  ...NO_SNIFFING,
  "cache-control": "no-cache",
  "content-security-policy": PAGE_POLICY,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
/** The names of files under assets/ contain the hash of their content. */
const IMMUTABLE = { cacheControl: true, maxAge: "365d", immutable: true };
/** Small files that rarely change, and do no harm when old: not worth a request each time. */
const FOR_A_DAY = { cacheControl: true, maxAge: "1d" };

const NOT_BUILT = problemOf("not-found", {
  title: "The dashboard is not built",
  detail: "run npm run build:dashboard to build the page; everything else works without it, see /docs",
});

/**
 * The dashboard at `/` and the files that it loads, read from `folder` at each request: a build replaces the folder under
 * a running API. A browser may have loaded the page of the previous build, whose assets that build has kept (`.former`).
 */
export const addPageRoutes = async (app: FastifyInstance, folder: string): Promise<void> => {
  await app.register(fastifyStatic, {
    root: [folder, `${folder}.former`],
    serve: false,
    // the build stores a compressed copy of each file next to it
    preCompressed: true,
    cacheControl: false,
    suppressWarning: true,
  });
  app.get("/", (_request, reply) => {
    reply.headers(PAGE_HEADERS);
    return existsSync(join(folder, "index.html"))
      ? reply.sendFile("index.html", folder)
      : sendProblem(reply, NOT_BUILT);
  });
  for (const file of ["favicon.svg", "theme.js"])
    app.get(`/${file}`, (_request, reply) => reply.headers(NO_SNIFFING).sendFile(file, FOR_A_DAY));
  app.get<{ Params: { file: string } }>("/assets/:file(^[\\w.-]+$)", (request, reply) =>
    reply.headers(NO_SNIFFING).sendFile(`assets/${request.params.file}`, IMMUTABLE),
  );
};
