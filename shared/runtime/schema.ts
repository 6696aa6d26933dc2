/**
 * Checks values by schemas. Ajv is in the memory of every API already, for the bodies of requests; typebox/value would add
 * 300 modules to each program, which are 5 MB.
 */
import { Ajv, type ErrorObject } from "ajv";
import type { TSchema } from "typebox";

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false });

/** Returns what is wrong with a value, nothing when it is valid. Fills in the defaults of properties that are missing. */
export const checkBy = (schema: TSchema): ((value: unknown) => readonly ErrorObject[]) => {
  const check = ajv.compile(schema);
  return (value) => (check(value) ? [] : (check.errors ?? []));
};
