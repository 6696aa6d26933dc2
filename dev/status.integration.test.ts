import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { until } from "../test/fresh.ts";
import { postOrder } from "../test/requests.ts";
import { startSystem } from "../test/system.ts";
import { serveForTest } from "../test/temporary.ts";
import { openStatus } from "./status.ts";

const system = await startSystem({ modes: ["v1", "v2"] });
afterAll(system.close);

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

test("redraws a line per mode with accepted, counted and pending orders below other output", async () => {
  const { out, written } = terminal();
  const status = openStatus(system.url, null, out);
  for (let i = 0; i < 3; i++) await postOrder(system.url, "v2");
  await until("the orders are shown", () => /v2 {2}accepted +3 {3}counted +3 {3}lag +0 .*ok/.test(written()));
  expect(written()).toMatch(/v1 {2}accepted +0 /);
  status.say("something happened");
  expect(written()).toContain("\x1b[2A\x1b[Jsomething happened\n");
  status.close();
});

test("asks once where the API denies it", async () => {
  let requests = 0;
  const { url } = await serveForTest((_request, response) => {
    requests++;
    response.writeHead(401).end();
  });
  const { out, written } = terminal();
  const status = openStatus(url, "unknown", out);
  await until("it is reported", () => written().includes("answers 401 to API_TOKEN"));
  await sleep(2_500);
  expect(requests).toBe(1);
  status.close();
});

test("reports that the API does not answer", async () => {
  const { out, written } = terminal();
  const status = openStatus("http://127.0.0.1:9", null, out);
  await until("it is reported", () => written().includes("the API does not answer"));
  status.close();
});
