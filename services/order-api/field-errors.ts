/** What is wrong with a request that does not match the schema of its route, for the client. */
import type { FastifySchemaValidationError } from "fastify";
import type { FieldError } from "#shared/domain/order.ts";

/** A client with more wrong fields has sent something else. */
const MAX_FIELDS = 20;

/** One error per field: a union of types reports each of its branches and then itself. */
export const fieldErrors = (validation: readonly FastifySchemaValidationError[]): FieldError[] => {
  const byField = new Map<string, string>();
  for (const error of validation) {
    const field = fieldOf(error);
    if (byField.size === MAX_FIELDS && !byField.has(field)) break;
    if (error.keyword === "anyOf" || !byField.has(field)) byField.set(field, messageFor(error));
  }
  return [...byField].map(([field, message]) => ({ field, message }));
};

const fieldOf = (error: FastifySchemaValidationError): string => {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const member = error.params["missingProperty"] ?? error.params["additionalProperty"];
  if (typeof member === "string") path.push(member);
  return path.join(".") || "body";
};

/**
 * The first clause of the schema's description of the field, which says what it has to be, else ajv's own message. The clauses
 * after it say what the field is for.
 */
const messageFor = (error: FastifySchemaValidationError): string => {
  if (error.keyword === "additionalProperties") return "is not a member of this request";
  if (error.keyword === "required") return "is missing";
  const about = (error as { parentSchema?: { description?: string } }).parentSchema?.description;
  return about ? `must be ${about.split(/[:;] /, 1)[0]}` : (error.message ?? "is not valid");
};
