import { Writable } from "node:stream";
import fastify from "fastify";
import { pino } from "pino";
import { expect, test } from "vitest";
import { handleError } from "./problem.ts";

test("a fault of ours tells the client nothing, and the log what and where it was", async () => {
  const lines: string[] = [];
  const stream = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) });
  const app = fastify({ loggerInstance: pino({ level: "error" }, stream) });
  app.setErrorHandler(handleError);
  app.get("/things/:name", async () => {
    throw new Error("a secret went wrong");
  });
  const reply = await app.inject("/things/one?key=hidden");
  await app.close();
  expect(reply.statusCode).toBe(500);
  expect(reply.json()).toMatchObject({ title: "The server made a mistake", status: 500 });
  expect(reply.body).not.toContain("secret");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    method: "GET",
    route: "/things/:name",
    err: { message: "a secret went wrong" },
    msg: "a request failed",
  });
  expect(lines[0]).not.toContain("hidden");
});
