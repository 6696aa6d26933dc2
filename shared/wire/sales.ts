import { Type } from "typebox";
import { MAX_NAME_LENGTH } from "../domain/catalogue.ts";
import { QUERY_TIME_PATTERN } from "../domain/time.ts";

/** The limit of a page; and of a page whose rows are sums over the hours of a day: 10 000 of those took 1.3 s. */
export const MAX_SALES_ROWS = 10_000;
export const MAX_SUMMED_ROWS = 2_000;

/** PostgreSQL's texts hold no U+0000. */
const name = (description: string) =>
  Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: "^[^\\u0000]*$", description });

/** A filter by mode; `modes` are those that the route knows. */
export const modeFilter = (modes: readonly string[]) => {
  const choices = ["all", ...modes];
  return Type.Union(
    choices.map((choice) => Type.Literal(choice)),
    { description: `one of ${choices.join(", ")}; missing means all` },
  );
};

const TIME =
  "a date or a time that exists, as 2026-01-15, 2026-01-15T10:30 or 2026-01-15T10:30:00+01:00 (a URL has %2B for the +)";

/** Query strings are not coerced: numbers are texts with a pattern. */
export const salesQuery = (modes: readonly string[]) =>
  Type.Object(
    {
      from: Type.Optional(
        Type.String({
          pattern: QUERY_TIME_PATTERN,
          description: `${TIME}; the first moment: the bucket it falls into is the first one; missing means a day before \`to\``,
        }),
      ),
      to: Type.Optional(
        Type.String({
          pattern: QUERY_TIME_PATTERN,
          description: `${TIME}; the moment after the last, so a date excludes its own day; missing means now`,
        }),
      ),
      tz: Type.Optional(
        Type.String({
          pattern: "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
          maxLength: 64,
          description:
            "a time zone of the IANA database, as Europe/Zurich, for bucket=day alone: days are those of this zone, of 23 to 25 hours, and `from` and `to` without an offset are its local time; missing means UTC",
        }),
      ),
      bucket: Type.Optional(
        Type.Union([Type.Literal("minute"), Type.Literal("hour"), Type.Literal("day")], {
          description: "minute, hour or day; missing means hour",
        }),
      ),
      by: Type.Optional(
        Type.Union(
          [Type.Literal("none"), Type.Literal("store"), Type.Literal("drink"), Type.Literal("store,drink")],
          {
            description:
              "none, store, drink or store,drink: what rows are split by besides the mode, in addition to what they are filtered by; missing means store,drink, and none for minutes",
          },
        ),
      ),
      mode: Type.Optional(modeFilter(modes)),
      store: Type.Optional(name("a store")),
      drink: Type.Optional(name("a drink")),
      limit: Type.Optional(
        Type.String({
          pattern: "^([1-9][0-9]{0,3}|10000)$",
          description: `rows in a page, from 1 to ${MAX_SALES_ROWS}, and to ${MAX_SUMMED_ROWS} for days by store or of a zone; missing means 1000`,
        }),
      ),
      cursor: Type.Optional(
        Type.String({
          pattern: "^[A-Za-z0-9_-]+$",
          maxLength: 2_000,
          description: "the `next` of the page before",
        }),
      ),
      format: Type.Optional(
        Type.Union([Type.Literal("json"), Type.Literal("csv")], {
          description: "json or csv, whatever the Accept header is",
        }),
      ),
      bom: Type.Optional(
        Type.Union([Type.Literal("true"), Type.Literal("false")], {
          description:
            "true or false: whether CSV begins with a byte order mark, without which Excel misreads letters like ü; missing means false",
        }),
      ),
    },
    { additionalProperties: false },
  );

const splitBy = (what: string) =>
  Type.Union([Type.String(), Type.Null()], { description: `null where rows are not split by ${what}` });

export const salesReply = Type.Object({
  bucket: Type.String(),
  from: Type.String(),
  to: Type.String(),
  rows: Type.Array(
    Type.Object({
      bucket: Type.String({
        description: "when it begins: in UTC or, with `tz`, in local time with its offset",
      }),
      mode: Type.String(),
      store: splitBy("store"),
      drink: splitBy("drink"),
      orders: Type.Integer(),
      revenue: Type.Number(),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()], {
    description: "the cursor of the next page; null on the last",
  }),
});
