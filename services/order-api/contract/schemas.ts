/** The validation schemas as the documents publish them: each once under its name, choices as `enum`. */
import { catalogueReply, namesAdded, namesToAdd } from "#shared/wire/catalogue.ts";
import { dashboardReply } from "#shared/wire/dashboard.ts";
import { readiness, setupReply } from "#shared/wire/operations.ts";
import { orderMessage } from "#shared/wire/order-message.ts";
import {
  batchOrder,
  batchReply,
  orderReply,
  orderRequest,
  orderStatusReply,
  problem,
} from "#shared/wire/orders.ts";
import { salesReply } from "#shared/wire/sales.ts";

const NAMED = {
  OrderRequest: orderRequest,
  Order: orderReply,
  BatchOrder: batchOrder,
  Batch: batchReply,
  OrderStatus: orderStatusReply,
  Dashboard: dashboardReply,
  Sales: salesReply,
  Setup: setupReply,
  Catalogue: catalogueReply,
  NamesToAdd: namesToAdd,
  NamesAdded: namesAdded,
  Readiness: readiness,
  Problem: problem,
  OrderMessage: orderMessage,
} as const;

export type SchemaName = keyof typeof NAMED;

const NAMES = new Map(Object.entries(NAMED).map(([name, schema]) => [JSON.stringify(schema), name]));

/** A part of a document with a reference for each copy of a named schema. */
export const published = (part: unknown): unknown => {
  if (typeof part !== "object" || part === null) return part;
  const name = NAMES.get(JSON.stringify(part));
  return name === undefined ? inParts(part) : { $ref: `#/components/schemas/${name}` };
};

export const componentsOf = (...names: SchemaName[]): { schemas: Record<string, unknown> } => ({
  schemas: Object.fromEntries(names.map((name) => [name, inParts(NAMED[name])])),
});

const inParts = (part: object): unknown => {
  if (Array.isArray(part)) return part.map(published);
  const choices = "anyOf" in part && Array.isArray(part.anyOf) ? part.anyOf : [];
  if (choices.length > 0 && choices.every(isText)) {
    const { anyOf: _, ...rest } = part as { anyOf: unknown };
    return { type: "string", enum: choices.map((choice) => choice.const), ...rest };
  }
  return Object.fromEntries(Object.entries(part).map(([member, value]) => [member, published(value)]));
};

/** The schema of a single text, of which a union of literals consists. */
const isText = (schema: unknown): schema is { const: string } =>
  typeof schema === "object" && schema !== null && "const" in schema && typeof schema.const === "string";
