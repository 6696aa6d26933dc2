/** The ceiling of Fastify: one route that parses a JSON body and replies. No validation, hooks, log or metrics. */
import { fastify } from "fastify";
import { ACCEPTED, type OrderBody, READY, READY_PATH, replyTo } from "./order-reply.ts";

const app = fastify();
app.get(READY_PATH, (_request, reply) => reply.send(READY));
app.post<{ Body: OrderBody }>("/api/fastify/order", ({ body }, reply) =>
  reply.code(ACCEPTED).send(replyTo(body)),
);
await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.stdin.resume().on("end", () => process.exit());
