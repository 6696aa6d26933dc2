import { Type } from "typebox";
import { TIMESTAMP_PATTERN } from "../domain/time.ts";

export const MOST_SALES_ROWS = 10_000;

/** Query strings are not coerced: numbers are texts with a pattern. */
export const salesQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        pattern: TIMESTAMP_PATTERN,
        description: "the first moment, as in 2026-01-15T00:00:00Z",
      }),
    ),
    to: Type.Optional(Type.String({ pattern: TIMESTAMP_PATTERN, description: "the moment after the last" })),
    bucket: Type.Optional(
      Type.Union([Type.Literal("minute"), Type.Literal("hour"), Type.Literal("day")], {
        description: "minute, hour or day",
      }),
    ),
    mode: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "an ingest mode, or all" })),
    store: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "a store" })),
    drink: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "a drink" })),
    limit: Type.Optional(
      Type.String({
        pattern: "^[1-9]\\d{0,4}$",
        description: `rows in a page, from 1 to ${MOST_SALES_ROWS}`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 2_000, description: "the `next` of the page before" }),
    ),
  },
  { additionalProperties: false },
);

export const salesReply = Type.Object({
  bucket: Type.String(),
  from: Type.String(),
  to: Type.String(),
  rows: Type.Array(
    Type.Object({
      bucket: Type.String(),
      mode: Type.String(),
      store: Type.Union([Type.String(), Type.Null()]),
      drink: Type.Union([Type.String(), Type.Null()]),
      orders: Type.Integer(),
      revenue: Type.Number(),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()], {
    description: "the cursor of the next page; null on the last",
  }),
});
