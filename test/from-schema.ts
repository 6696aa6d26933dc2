/** Values that a JSON schema of the published documents accepts. A keyword that no schema has yet is an error here. */
import fc from "fast-check";
import type { Schema } from "./published-document.ts";

const KNOWN = new Set(
  "type description enum const anyOf properties required additionalProperties items minItems maxItems pattern minLength maxLength minimum exclusiveMinimum maximum multipleOf".split(
    " ",
  ),
);

/** `other` replaces the values of a member by its name: those of which a schema cannot say which are accepted. */
export const fromSchema = (
  schema: Schema,
  other: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<unknown> => {
  for (const keyword of Object.keys(schema))
    if (!KNOWN.has(keyword)) throw new Error(`no generator for the keyword ${keyword}`);
  const within = (part: unknown): fc.Arbitrary<unknown> => fromSchema(part as Schema, other);
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"]);
  if ("const" in schema) return fc.constant(schema["const"]);
  if (Array.isArray(schema["anyOf"])) return fc.oneof(...schema["anyOf"].map(within));
  const number = (name: string, missing: number): number => Number(schema[name] ?? missing);
  switch (schema["type"]) {
    case "object": {
      const members = Object.entries(schema["properties"] as Record<string, Schema>);
      const values = Object.fromEntries(
        members.map(([name, member]) => [name, other[name] ?? within(member)]),
      );
      return fc.record(values, { requiredKeys: (schema["required"] ?? []) as string[] });
    }
    case "array":
      return fc.array(within(schema["items"]), {
        minLength: number("minItems", 0),
        maxLength: Math.min(number("maxItems", 20), 20),
      });
    case "string": {
      const [minLength, maxLength] = [number("minLength", 0), number("maxLength", 1_000)];
      const pattern = schema["pattern"];
      if (typeof pattern !== "string") return fc.string({ minLength, maxLength, unit: "binary" });
      return fc
        .stringMatching(new RegExp(pattern))
        .filter((text) => [...text].length >= minLength && [...text].length <= maxLength);
    }
    case "number": {
      const step = number("multipleOf", 0);
      const [min, max] = [number("minimum", -1e9), number("maximum", 1e9)];
      if (step === 0) return fc.double({ min, max, noNaN: true });
      // the nearest double of each multiple, as its decimal text is parsed
      const parts = Math.round(1 / step);
      return fc.integer({ min: Math.ceil(min * parts), max: Math.floor(max * parts) }).map((n) => n / parts);
    }
    default:
      throw new Error(`no generator for the type ${schema["type"]}`);
  }
};
