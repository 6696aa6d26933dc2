/** The parts of which an operation's description is made. */

export type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** Beside those of the query, which the route's schema brings. */
  readonly parameters?: readonly object[];
  /** Where the route itself has no schema for its body. */
  readonly requestBody?: { readonly required: true; readonly content: Record<string, object> };
  /** Named examples of the body, whose schema is the route's. */
  readonly examples?: Readonly<Record<string, object | string>>;
  /** By status. A schema that a route declares for a status is added to it. */
  readonly responses: Readonly<Record<string, object>>;
};

type Headers = Readonly<Record<string, object>>;

/** A header that always comes. */
export const text = (description: string, pattern?: string) => ({
  description,
  required: true,
  schema: { type: "string", ...(pattern && { pattern }) },
});
export const sometimes = (description: string, pattern?: string) => ({
  ...text(description, pattern),
  required: false,
});

/** A reply in JSON; its schema is the route's where none is given. */
export const reply = (
  description: string,
  example: object,
  headers: Headers = {},
  schema?: object,
): object => ({
  description,
  headers,
  content: { "application/json": { ...(schema && { schema }), example } },
});
