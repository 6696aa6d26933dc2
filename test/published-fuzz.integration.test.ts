/**
 * The document of a running API accepts exactly what the API accepts. Values are generated from the document's schemas, and
 * changed so that most of them are invalid. What a schema cannot express is in prose there and, by name, in `EXPRESSIBLE` and
 * `QUERIES` here: the present time, and what query parameters mean together.
 */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { DAY_MS, iso, MINUTE_MS } from "#shared/domain/time.ts";
import { fromSchema } from "./from-schema.ts";
import { keys, strange, timestamps } from "./order-values.ts";
import { faults, type OpenApi, resolved, type Schema } from "./published-document.ts";
import { getJson, postJson } from "./requests.ts";
import { startSystem } from "./system.ts";

const system = await startSystem({ workers: false });
afterAll(system.close);
const document = await getJson<OpenApi>(`${system.url}/openapi.json`);

type Parameter = {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
};
const operationOf = (method: string, path: string) =>
  (document.paths[path]?.[method] ?? expect.fail(`${method} ${path}`)) as unknown as {
    readonly parameters?: readonly Parameter[];
    readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  };
const bodySchema = (path: string): Schema => {
  const schema = operationOf("post", path).requestBody?.content["application/json"]?.schema;
  return resolved(document, schema ?? expect.fail("a schema")) as Schema;
};
const isValid = (schema: Schema, value: unknown): boolean => faults(document, schema, value).length === 0;

/** Within the times that only prose says. */
const EXPRESSIBLE = { timestamp: timestamps, id: keys };

type Members = Readonly<Record<string, unknown>>;

/** A valid value, with some members replaced, added or removed. */
const nearly = (schema: Schema): fc.Arbitrary<unknown> => {
  const names = [
    ...Object.keys(schema["properties"] as object),
    "timestmap",
    "Price",
    "__proto",
    "constructor",
  ];
  const changed = fc
    .record({
      value: fromSchema(schema, EXPRESSIBLE) as fc.Arbitrary<Members>,
      replaced: fc.dictionary(fc.constantFrom(...names), strange, { maxKeys: 2, noNullPrototype: true }),
      removed: fc.option(fc.constantFrom(...names)),
    })
    .map(({ value, replaced, removed }) =>
      Object.fromEntries(Object.entries({ ...value, ...replaced }).filter(([name]) => name !== removed)),
    );
  return fc.oneof({ arbitrary: changed, weight: 9 }, { arbitrary: strange, weight: 1 });
};

/** As the request carries it: JSON has no -0. Fastify refuses a body with a member __proto__ as malformed. */
const carried = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value) ?? "null", (name, member: unknown) =>
    name === "__proto__" ? undefined : member,
  );

/** A time or key that the schema accepts and that is outside what prose says. */
const isOutOfTime = (value: unknown): boolean => {
  const { timestamp, id } = (value ?? {}) as { timestamp?: unknown; id?: unknown };
  const isNear = (ms: number, days: number): boolean =>
    ms < Date.now() + 4 * MINUTE_MS && ms > Date.now() - days * DAY_MS;
  const timeOf = (text: string): number => Date.parse(/([Zz]|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  const hasTime = typeof timestamp === "string" && !isNear(timeOf(timestamp), 365.5);
  return (
    hasTime ||
    (typeof id === "string" && !isNear(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16), 30.5))
  );
};

const RUNS = { numRuns: 300 };

test.each(["v1", "v2", "v3"])("%s accepts an order exactly when its schema does", async (mode) => {
  const path = `/api/${mode}/order`;
  const schema = bodySchema(path);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(nearly(schema), async (generated) => {
      const value = carried(generated);
      const isExpected = isValid(schema, value);
      fc.pre(!isExpected || !isOutOfTime(value));
      const response = await postJson(system.url + path, JSON.stringify(value));
      expect([value, await response.text(), response.ok]).toEqual([value, expect.anything(), isExpected]);
      if (!isExpected) expect(response.status).toBe(422);
      accepted += Number(isExpected);
    }),
    RUNS,
  );
  expect(accepted).toBeGreaterThan(20);
});

test.each(["v1", "v2", "v3"])(
  "%s accepts the orders of a batch exactly when the schema of its items does",
  async (mode) => {
    const path = `/api/${mode}/orders`;
    const items = bodySchema(path)["items"] as Schema;
    await fc.assert(
      fc.asyncProperty(
        fc.array(nearly(items), { minLength: 1, maxLength: 200, size: "max" }),
        async (generated) => {
          const values = generated
            .map(carried)
            .filter((value) => !isValid(items, value) || !isOutOfTime(value));
          fc.pre(values.length > 0);
          const reply = (await (await postJson(system.url + path, JSON.stringify(values))).json()) as {
            rejected?: { index: number }[];
          };
          const rejected = new Set(reply.rejected?.map(({ index }) => index));
          const wrong = values.flatMap((value, index) => (isValid(items, value) ? [] : [index]));
          expect([...rejected], JSON.stringify(values)).toEqual(wrong);
        },
      ),
      { numRuns: 20 },
    );
  },
);

test("accepts an Idempotency-Key exactly when its schema does", async () => {
  const key = operationOf("post", "/api/v1/order").parameters?.find(({ name }) => name === "Idempotency-Key");
  const schema = key?.schema ?? expect.fail("a schema");
  const body = { drink: "latte", store: "uptown", price: 1 };
  const texts = fc.oneof(
    keys,
    fc.stringMatching(/^[!-~]{1,50}$/),
    fc.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const isExpected = isValid(schema, text);
      fc.pre(!isExpected || !isOutOfTime({ id: text }));
      const response = await postJson(`${system.url}/api/v1/order`, body, { "idempotency-key": text });
      expect([text, response.status]).toEqual([text, isExpected ? 201 : 422]);
    }),
    RUNS,
  );
});

/** By path: values that mean something together, for the parameters whose schema cannot say so. */
const zones = fc.constantFrom("Europe/Zurich", "America/New_York", "Asia/Tokyo", "UTC");
const QUERIES: Readonly<Record<string, readonly Readonly<Record<string, fc.Arbitrary<unknown>>>[]>> = {
  "/api/dashboard": [{}],
  "/api/setup": [{}],
  "/api/orders/{id}": [{}],
  "/api/sales": [
    // minutes have neither stores nor drinks; a cursor comes from a reply
    { bucket: fc.constant("minute"), by: fc.constant("none"), store: never(), drink: never(), tz: never() },
    { bucket: fc.constant("hour"), tz: never() },
    // days by store are sums: at most 2 000 rows in a page
    { bucket: fc.constant("day"), limit: fc.integer({ min: 1, max: 2_000 }).map(String), tz: zones },
  ].map((each) => ({ ...each, cursor: never(), ...range() })),
};

function never(): fc.Arbitrary<undefined> {
  return fc.constant(undefined);
}

/** `from` and `to` in this order, and close enough for minutes. */
function range(): Record<string, fc.Arbitrary<unknown>> {
  const at = (min: number, max: number) =>
    fc.integer({ min, max }).map((days) => iso(Date.now() - days * DAY_MS));
  return { from: at(16, 30), to: at(0, 15) };
}

test.each(Object.keys(QUERIES))(
  "accepts the parameters of %s exactly when their schemas do",
  async (path) => {
    const parameters = operationOf("get", path).parameters ?? [];
    const used = parameters.filter((each) => each.in !== "header");
    const send = async (values: Members): Promise<Response> => {
      const query = new URLSearchParams();
      let at = path;
      for (const [name, value] of Object.entries(values))
        if (path.includes(`{${name}}`)) at = at.replace(`{${name}}`, encodeURIComponent(String(value)));
        else if (value !== undefined) query.set(name, String(value));
      return fetch(`${system.url}${at}?${query}`);
    };
    for (const known of QUERIES[path] ?? []) {
      const record = Object.fromEntries(
        used.map(({ name, schema }) => [name, known[name] ?? fromSchema(schema)]),
      );
      const required = used.filter((each) => each.required).map(({ name }) => name);
      const together = Object.keys(known).filter((name) => name in record);
      const valid = fc.record(record, { requiredKeys: [...required, ...together] });
      await fc.assert(
        fc.asyncProperty(valid, async (values) => {
          const response = await send(values);
          const text = await response.text();
          // an order that was never sent is a valid question
          expect([values, text, response.status]).toEqual([values, text, path.includes("{") ? 404 : 200]);
        }),
        { numRuns: 100 },
      );
      if (used.length === 0) continue;
      const wrong = fc.record({
        values: valid,
        name: fc.constantFrom(...used.map(({ name }) => name)),
        text: fc.string(),
      });
      await fc.assert(
        fc.asyncProperty(wrong, async ({ values, name, text }) => {
          const schema = used.find((each) => each.name === name)?.schema ?? {};
          fc.pre(!isValid(schema, text) && !(path.includes("{") && /^\.{0,2}$/.test(text)));
          const response = await send({ ...values, [name]: text });
          expect([name, text, response.status]).toEqual([name, text, 422]);
        }),
        { numRuns: 100 },
      );
    }
  },
);

test("extends the catalogue exactly when its schema accepts the names", async () => {
  const schema = bodySchema("/api/catalogue");
  const name = fc.oneof(fc.stringMatching(/^[a-z]{1,9}$/), strange);
  const few = fc.array(name, { maxLength: 2 });
  const bodies = fc.oneof(
    fc.record({ stores: few, drinks: few, toppings: few }, { requiredKeys: [] }),
    strange,
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (generated) => {
      const value = carried(generated);
      const isExpected = isValid(schema, value);
      const response = await postJson(`${system.url}/api/catalogue`, JSON.stringify(value));
      expect([value, response.status]).toEqual([value, isExpected ? 200 : 422]);
    }),
    { numRuns: 100 },
  );
});

test("rejects parameters that the document does not list", async () => {
  for (const path of ["/api/dashboard", "/api/sales"])
    expect((await fetch(`${system.url}${path}?unlisted=1`)).status).toBe(422);
});
