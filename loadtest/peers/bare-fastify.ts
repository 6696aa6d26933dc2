/**
 * The ceiling of Fastify: one route that parses a JSON body and replies. No validation, hooks, log or metrics. The reply has
 * a schema, as the API's: serialized by it a request takes 6 % less CPU than by JSON.stringify.
 */
import { fastify } from "fastify";
import { ACCEPTED, type OrderBody, PAGES, replyTo } from "./order-reply.ts";

const members = Object.entries(replyTo({ drink: "", store: "", price: 0 }));
const properties = Object.fromEntries(members.map(([name, value]) => [name, { type: typeof value }]));
const schema = { response: { [ACCEPTED]: { type: "object", properties } } };

const app = fastify();
for (const [path, page] of Object.entries(PAGES)) app.get(path, (_request, reply) => reply.send(page()));
app.post<{ Body: OrderBody }>("/api/fastify/order", { schema }, ({ body }, reply) =>
  reply.code(ACCEPTED).send(replyTo(body)),
);
await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.stdin.resume().on("end", () => process.exit());
