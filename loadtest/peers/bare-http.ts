/** The ceiling of HTTP in Node: node:http reads a body, and sends the same bytes each time. */
import { createServer } from "node:http";
import { ACCEPTED, PAGES, replyTo } from "./order-reply.ts";

const reply = JSON.stringify(replyTo({ drink: "cappuccino", store: "uptown", price: 4.5 }));
const headers = {
  "content-type": "application/json; charset=utf-8",
  "content-length": String(Buffer.byteLength(reply)),
};

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    if (request.method === "POST") return response.writeHead(ACCEPTED, headers).end(reply);
    const page = PAGES[request.url ?? ""];
    return response.writeHead(page ? 200 : 404).end(page?.());
  });
});
server.listen(Number(process.env["PORT"]), "127.0.0.1");
process.stdin.resume().on("end", () => process.exit());
