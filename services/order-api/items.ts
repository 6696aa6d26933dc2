/** Orders that arrive several at a time, each with its key in it: what is wrong with one does not affect the others. */
import { randomUUIDv7 } from "node:crypto";
import type { FastifySchemaValidationError } from "fastify";
import {
  type FieldError,
  keyProblem,
  type OrderRequest,
  type OrderRules,
  orderFrom,
} from "#shared/domain/order.ts";
import { KeyConflict } from "#shared/ports.ts";
import { fieldErrors } from "./field-errors.ts";

/** One JSON text. */
export type Item = { readonly value: unknown } | { readonly malformed: string };
export type Checked = ReturnType<typeof orderFrom>;
export type CheckItem = (item: Item) => Checked;

/** Of a schema, as Ajv compiles it. */
export type Validate = {
  (value: unknown): unknown;
  readonly errors?: readonly FastifySchemaValidationError[] | null | undefined;
};

export const itemOf = (text: string): Item => {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { malformed: `is not JSON: ${(error as Error).message}` };
  }
};

/** The same rules as for a single order, at this moment; `id` takes the place of the key. */
export const openChecker = (validate: Validate, rules: OrderRules): CheckItem => {
  const nowMs = Date.now();
  return (item) => {
    if ("malformed" in item) return { errors: [{ field: "body", message: item.malformed }] };
    const { value } = item;
    if (hasTooManyMembers(value)) return { errors: [{ field: "body", message: TOO_MANY_MEMBERS }] };
    if (!validate(value)) return { errors: fieldErrors(validate.errors ?? []) };
    const { id, ...sent } = value as OrderRequest & { id?: string };
    const problem = id === undefined ? null : keyProblem(id, nowMs);
    const checked = orderFrom(sent, id?.toLowerCase() ?? randomUUIDv7(), nowMs, rules);
    if (problem === null) return checked;
    return { errors: [{ field: "id", message: problem }, ...("errors" in checked ? checked.errors : [])] };
  };
};

/** An order has five, with its id. An error for each of a thousand would make the reply ten times the request. */
const MAX_MEMBERS = 20;
const TOO_MANY_MEMBERS = `has more than ${MAX_MEMBERS} members`;
const hasTooManyMembers = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length > MAX_MEMBERS;

/** Why the backend rejected this very order, for the client. */
export const refusalOf = (error: Error): FieldError =>
  error instanceof KeyConflict
    ? { field: "id", message: "belongs to an order with another body" }
    : { field: "body", message: "is refused by the database" };
