import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../test/fresh.ts";
import { type System, startSystem } from "../test/system.ts";
import { openStatus } from "./status.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v1", "v2"] });
});
afterAll(() => system.close());

/** A terminal of which everything that is written is kept. */
const terminal = () => {
  let written = "";
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written += String(chunk);
      done();
    },
  });
  return {
    out: Object.assign(out, { isTTY: true }) as unknown as NodeJS.WriteStream,
    written: () => written,
  };
};

test("a line per mode with what was accepted, counted and waits, redrawn in place under what is said", async () => {
  const { out, written } = terminal();
  const status = openStatus(system.url, out);
  const order = { method: "POST", headers: { "content-type": "application/json" } };
  const body = JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 });
  for (let i = 0; i < 3; i++) await fetch(`${system.url}/api/v2/order`, { ...order, body });
  await until("the orders are shown", () => /v2 {2}accepted +3 {3}counted +3 {3}lag +0 .*ok/.test(written()));
  expect(written()).toMatch(/v1 {2}accepted +0 /);
  status.say("something happened");
  expect(written()).toContain("\x1b[2A\x1b[Jsomething happened\n");
  status.close();
});

test("says when the API does not answer", async () => {
  const { out, written } = terminal();
  const status = openStatus("http://127.0.0.1:9", out);
  await until("it is said", () => written().includes("the API does not answer"));
  status.close();
});
