/** Examples of requests, at any time and with any catalogue. */
import { v7 as uuid } from "uuid";
import { expect, test, vi } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { keyProblem, orderFrom } from "#shared/domain/order.ts";
import { DAY_MS } from "#shared/domain/time.ts";
import { orderExamples } from "#shared/wire/examples.ts";
import catalogueJson from "../catalogue.json" with { type: "json" };
import { type Document, servedDocument, withExamples } from "./examples.ts";

const now = Date.UTC(2026, 10, 30, 12);

test.each([
  ["the one that comes with it", catalogueJson],
  ["another one", { stores: ["Zürich", "Bern"], drinks: ["Café crème"] }],
])("an API with this catalogue takes them, now and in years: %s", (_, json) => {
  const catalogue = catalogueFrom(json);
  for (const years of [0, 1, 10]) {
    const ms = now + years * 366 * DAY_MS;
    const { orders, batches } = orderExamples(catalogue, { ms, newId: () => uuid({ msecs: ms }) });
    const all = [...Object.values(orders), ...Object.values(batches).flat()];
    expect(all.length).toBeGreaterThan(5);
    // a page may stay open for a day, also where no older order is taken
    for (const readMs of [ms, ms + DAY_MS - 120_000])
      for (const { id = null, ...order } of all as { id?: string }[]) {
        expect(orderFrom(order as never, "id", readMs, { catalogue, maxEventAgeDays: 1 })).toHaveProperty(
          "order",
        );
        if (id !== null) expect(keyProblem(id, readMs)).toBeNull();
      }
  }
});

const BASE = {
  paths: {
    "/api/v1/order": {
      post: { tags: ["orders"], requestBody: { content: { "application/json": {} } }, responses: {} },
    },
  },
  components: { schemas: { OrderRequest: schema(), BatchOrder: schema() } },
} satisfies Document;

function schema() {
  return { properties: { store: { type: "string" }, drink: { type: "string" }, price: {} } };
}

test("without a time they have neither a key nor a time, which would expire", () => {
  expect(JSON.stringify(withExamples(BASE))).not.toMatch(/"id"|"timestamp"/);
});

test("a server lists the names of a short catalogue, and new examples when an hour or the catalogue has changed", () => {
  const names = { stores: ["uptown"], drinks: ["latte"] };
  const served = servedDocument(
    () => BASE,
    () => names,
  );
  vi.useFakeTimers({ now, toFake: ["Date"] });
  try {
    const first = served();
    expect(first.components?.schemas).toMatchObject({
      OrderRequest: {
        properties: { store: { type: "string", enum: ["uptown"] }, drink: { enum: ["latte"] }, price: {} },
      },
    });
    vi.setSystemTime(now + 59 * 60_000);
    expect(served()).toBe(first);
    names.drinks = ["latte", "soup"];
    const second = served();
    expect(JSON.stringify(second)).toContain("soup");
    vi.setSystemTime(now + 61 * 60_000);
    expect(JSON.stringify(served())).not.toBe(JSON.stringify(second));
    names.stores = Array.from({ length: 51 }, (_, index) => `store ${index}`);
    expect(served().components?.schemas).toMatchObject({
      OrderRequest: { properties: { store: { type: "string" } } },
    });
    expect(JSON.stringify(served())).not.toContain("store 50");
  } finally {
    vi.useRealTimers();
  }
});
