/** Reads the published documents, and validates values by their schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";

export type Schema = { readonly [member: string]: unknown };
export type Media = {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
};
export type Reply = {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: Schema }>>;
  readonly content?: Readonly<Record<string, Media>>;
};
export type Operation = {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly requestBody?: Reply;
  readonly responses: Readonly<Record<string, Reply>>;
};
export type OpenApi = {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

/** A committed document. */
export const committed = <T>(file: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, "..", file), "utf8")) as T;

/** A part of a document with every reference replaced by its target. */
export const resolved = (document: object, part: unknown): unknown => {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map((each) => resolved(document, each));
  if ("$ref" in part && typeof part.$ref === "string") {
    const target = part.$ref
      .split("/")
      .slice(1)
      .reduce<unknown>((at, name) => (at as Schema)[name], document);
    if (target === undefined) throw new Error(`${part.$ref} does not exist`);
    return resolved(document, target);
  }
  return Object.fromEntries(
    Object.entries(part).map(([member, value]) => [member, resolved(document, value)]),
  );
};

/** The errors of a value by a schema of a document. */
export const faults = (document: object, schema: Schema, value: unknown): string[] =>
  Value.Errors(resolved(document, schema) as Schema, value).map(
    ({ instancePath, message }) => `${instancePath} ${message}`,
  );
