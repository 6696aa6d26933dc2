import { expect, test } from "vitest";
import { keyProblem, ORDER_ID_PATTERN } from "../../../shared/domain/order.ts";
import { apiUrl, asSentence, isUnconfirmed, openApi, orderIdOf, randomOrder } from "./api.ts";

test("the API has the address of the page, under any path, or the one that the page names", () => {
  expect(apiUrl("", "http://x:1/?mode=v1#race")).toBe("http://x:1/");
  expect(apiUrl(null, "https://x/coffee/index.html?a")).toBe("https://x/coffee/");
  expect(apiUrl("http://api:8005", "http://page:3000/")).toBe("http://api:8005/");
  expect(apiUrl("https://x/api-of-coffee", "http://page:3000/")).toBe("https://x/api-of-coffee/");
});

test("an order's key is a UUIDv7 that the API accepts", () => {
  const nowMs = Date.parse("2026-01-15T10:00:00Z");
  for (let byte = 0; byte < 256; byte++) {
    const id = orderIdOf(nowMs, new Uint8Array(10).fill(byte));
    expect(id).toMatch(new RegExp(ORDER_ID_PATTERN));
    expect(keyProblem(id, nowMs)).toBeNull();
  }
  expect(orderIdOf(nowMs, new Uint8Array(10))).toBe("019bc119-0100-7000-8000-000000000000");
});

test("a random order is from the catalogue and has a valid price", () => {
  const names = { count: 1, names: ["only"] };
  const setup = { modes: [], stores: names, drinks: names, currency: null, page_orders_per_second: 1 };
  for (const random of [0, 0.5, 0.999_999])
    expect(randomOrder(setup, () => random)).toEqual({
      drink: "only",
      store: "only",
      price: expect.toSatisfy(
        (price: number) => price >= 2.5 && price <= 6.5 && Number.isInteger(price * 10),
      ),
    });
});

test("the text of an error becomes a sentence", () => {
  expect([asSentence("too many wait; not taken"), asSentence("Done.")]).toEqual([
    "Too many wait; not taken.",
    "Done.",
  ]);
});

test.each([
  [503, '{"type":"lag","detail":"too many orders wait to be counted; not taken"}', false],
  [503, '{"type":"backend-away","detail":"the backend does not answer"}', true],
  [422, '{"type":"invalid","detail":"wrong"}', false],
  [502, "<html>a proxy's page</html>", true],
])("after a %i with %s the orders may have been accepted: %s", async (status, body, expected) => {
  const { fetch } = globalThis;
  globalThis.fetch = async () => new Response(body, { status });
  try {
    const error: unknown = await openApi("http://x/", null)
      .post("api/v1/order", {})
      .catch((reason: unknown) => reason);
    expect(isUnconfirmed(error)).toBe(expected);
  } finally {
    globalThis.fetch = fetch;
  }
});

test("without a reply the orders may have been accepted", () => {
  expect(isUnconfirmed(new Error("The server is unreachable."))).toBe(true);
});
