/**
 * JSON schemas for kubeconform, made from what Kubernetes and the operators publish themselves: the OpenAPI document and
 * the definitions of custom resources. Stricter than a cluster: what is not described is refused, and so are nulls.
 */

export type Schema = { readonly [name: string]: unknown };
type Definitions = Readonly<Record<string, Schema>>;
export type OpenApi = { readonly definitions: Definitions };
type Kind = { readonly group: string; readonly version: string; readonly kind: string };

export type CustomResource = {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
};

/** As kubeconform names them: `deployment-apps-v1.json`, `service-v1.json`, `scaledobject-keda-v1alpha1.json`. */
const fileOf = ({ group, version, kind }: Kind): string =>
  `${[kind, ...(group === "" ? [] : [group.split(".")[0]]), version].join("-").toLowerCase()}.json`;

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const TEXT_OR_NUMBER = { anyOf: [{ type: "string" }, { type: "number" }] };

/** One schema made strict, with all that is in it. */
const strict = (schema: Schema): Schema => {
  if (schema["format"] === "int-or-string" || schema["x-kubernetes-int-or-string"] === true)
    return TEXT_OR_NUMBER;
  const inside = Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !name.startsWith("x-") && name !== "description" && name !== "format")
      .map(([name, value]) => [name, name === "properties" ? eachOf(value, strict) : deeper(value)]),
  );
  const isOpen = "additionalProperties" in schema || schema["x-kubernetes-preserve-unknown-fields"] === true;
  return isObject(schema["properties"]) && !isOpen ? { ...inside, additionalProperties: false } : inside;
};

const deeper = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(deeper);
  return isObject(value) ? strict(value) : value;
};

const eachOf = (value: unknown, make: (schema: Schema) => Schema): Schema =>
  Object.fromEntries(Object.entries(value as Record<string, Schema>).map(([name, of]) => [name, make(of)]));

/** What a value refers to, directly. */
const refsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isObject(value)) return [];
  const own = typeof value["$ref"] === "string" ? [value["$ref"].replace("#/definitions/", "")] : [];
  return [...own, ...Object.values(value).flatMap(refsIn)];
};

const withAllRefs = (first: string, definitions: Definitions): Definitions => {
  const found = new Map<string, Schema>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const definition = definitions[name];
    if (definition === undefined)
      throw new Error(`${first} refers to ${name}, which the document does not define`);
    found.set(name, definition);
    for (const next of refsIn(definition)) visit(next);
  };
  visit(first);
  return Object.fromEntries(found);
};

/** A file for each kind that has one; each holds all that it refers to. */
export const schemasOfOpenApi = ({ definitions }: OpenApi): Record<string, Schema> => {
  const made: Definitions = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      name.endsWith(".api.resource.Quantity") ? TEXT_OR_NUMBER : strict(definition),
    ]),
  );
  const files: [string, Schema][] = [];
  for (const [name, definition] of Object.entries(definitions)) {
    const [kind, second] = (definition["x-kubernetes-group-version-kind"] ?? []) as Kind[];
    // what belongs to every group, as DeleteOptions, is no resource
    if (kind === undefined || second !== undefined) continue;
    files.push([fileOf(kind), { $ref: `#/definitions/${name}`, definitions: withAllRefs(name, made) }]);
  }
  return Object.fromEntries(files);
};

/** A file for each version of a custom resource. */
export const schemasOfCustomResource = ({ spec }: CustomResource): Record<string, Schema> =>
  Object.fromEntries(
    spec.versions.map(({ name: version, schema }) => [
      fileOf({ group: spec.group, version, kind: spec.names.kind }),
      strict(schema.openAPIV3Schema),
    ]),
  );
