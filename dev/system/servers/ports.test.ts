import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./ports.ts";

test("skips a port in use", async () => {
  const preferred = await freePort();
  const taken = createServer().listen(preferred, "0.0.0.0");
  await once(taken, "listening");
  expect((taken.address() as AddressInfo).port).toBe(preferred);
  expect(await freePort(preferred)).toBeGreaterThan(preferred);
  taken.close();
});

test("returns no port twice, also to concurrent callers", async () => {
  const first = await freePort();
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort(first)));
  expect(new Set([first, ...ports]).size).toBe(21);
});
