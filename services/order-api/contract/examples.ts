/**
 * Examples of requests in the OpenAPI document. The committed document is that of any server: its examples have no times and
 * no keys, which would expire. A server adds both, and the names of its own catalogue.
 */

import { randomUUIDv7 } from "node:crypto";
import type { Names } from "#shared/domain/catalogue.ts";
import { HOUR_MS } from "#shared/domain/time.ts";
import { orderExamples } from "#shared/wire/examples.ts";
import { MAX_LISTED_NAMES } from "#shared/wire/operations.ts";
import { JSON_SEQUENCE, NDJSON } from "#shared/wire/orders.ts";
import catalogueJson from "../catalogue.json" with { type: "json" };

type Media = { schema?: object; examples?: Record<string, { value: unknown }> };
export type Response = { description?: string; content?: Record<string, Media>; $ref?: string };
export type Described = {
  tags?: readonly string[];
  parameters?: readonly object[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, Response>;
  security?: readonly object[];
};
export type Document = {
  paths: Record<string, Record<string, Described>>;
  components?: { schemas?: object; responses?: object; securitySchemes?: object };
  servers?: object[];
};

type Now = Parameters<typeof orderExamples>[1];

/** A copy with examples of each request that sends orders. */
export const withExamples = (document: Document, names: Names = catalogueJson, now?: Now): Document => ({
  ...document,
  paths: mapped(document.paths, (methods) =>
    mapped(methods, (operation) => withBodies(operation, names, now)),
  ),
});

const withBodies = (operation: Described, names: Names, now: Now): Described => {
  const { requestBody } = operation;
  if (!requestBody || !operation.tags?.includes("orders")) return operation;
  const { orders, batches } = orderExamples(names, now);
  const isBatch = NDJSON in requestBody.content;
  const content = mapped(requestBody.content, (media, type): Media => {
    const values: Readonly<Record<string, unknown>> = isBatch ? batches : orders;
    return { ...media, examples: mapped(values, (value) => ({ value: textOf(type, value) })) };
  });
  return { ...operation, requestBody: { ...requestBody, content } };
};

/**
 * For the page: without the batches that are sent as lines or as a sequence. Swagger UI sends their text as a JSON string, in
 * quotes, since "json" is in the name of the type.
 */
export const withoutStreams = (document: Document): Document => ({
  ...document,
  paths: mapped(document.paths, (methods) =>
    mapped(methods, ({ requestBody, ...operation }): Described => {
      if (!requestBody) return operation;
      const { [NDJSON]: _lines, [JSON_SEQUENCE]: _sequence, ...content } = requestBody.content;
      return { ...operation, requestBody: { ...requestBody, content } };
    }),
  ),
});

/** A body with these examples for each of its types. */
export const withNamed = (
  body: NonNullable<Described["requestBody"]>,
  examples: Readonly<Record<string, object>> | undefined,
): NonNullable<Described["requestBody"]> =>
  examples === undefined
    ? body
    : {
        ...body,
        content: mapped(body.content, (media) => ({
          ...media,
          examples: mapped(examples, (value) => ({ value })),
        })),
      };

/** The value of a body of this type. */
const textOf = (type: string, value: unknown): unknown => {
  const texts = [value].flat().map((order) => JSON.stringify(order));
  if (type === NDJSON) return texts.join("\n");
  return type === JSON_SEQUENCE ? texts.map((text) => `\u001e${text}\n`).join("") : value;
};

const mapped = <T, U>(
  values: Readonly<Record<string, T>>,
  make: (value: T, name: string) => U,
): Record<string, U> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, make(value, name)]));

/** New examples this often: the key of one is accepted for 31 days, its time for a year by default. */
const RENEWED_MS = HOUR_MS;

/**
 * The document of a running server: with examples of this hour, and the names of its catalogue as choices where it is short
 * enough to list.
 */
export const servedDocument = (base: () => Document, names: () => Names): (() => Document) => {
  let madeOf = "";
  let made: Document | null = null;
  return () => {
    const ms = Date.now();
    const [stores, drinks] = [listed(names().stores), listed(names().drinks)];
    const key = JSON.stringify([Math.floor(ms / RENEWED_MS), stores, drinks]);
    if (made === null || key !== madeOf) {
      made = withChoices(withExamples(base(), names(), { ms, newId: () => randomUUIDv7() }), {
        store: stores,
        drink: drinks,
      });
      madeOf = key;
    }
    return made;
  };
};

const listed = (names: readonly string[]): readonly string[] | null =>
  names.length > MAX_LISTED_NAMES ? null : names;

const withChoices = (
  document: Document,
  choices: Readonly<Record<string, readonly string[] | null>>,
): Document => {
  const schemas = { ...document.components?.schemas } as Record<
    string,
    { properties: Record<string, object> }
  >;
  for (const name of ["OrderRequest", "BatchOrder"]) {
    const schema = schemas[name];
    if (!schema) throw new Error(`the document has no schema ${name}`);
    const properties = mapped(schema.properties, (property, member) => {
      const names = choices[member];
      return names ? { ...property, enum: names } : property;
    });
    schemas[name] = { ...schema, properties };
  }
  return { ...document, components: { ...document.components, schemas } };
};
