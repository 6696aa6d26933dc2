/** GET and POST /api/catalogue. */
import { Type } from "typebox";
import { MAX_NAME_LENGTH, MAX_NAMES } from "../domain/catalogue.ts";

/** Ten thousand stores are about 300 kB. */
export const MAX_CATALOGUE_BYTES = 1_048_576;
const MAX_ADDED = 10_000;

/** Controls, marks that change the direction of a text, and halves of surrogate pairs. */
const HIDDEN = "\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff";

const name = Type.String({
  minLength: 1,
  maxLength: MAX_NAME_LENGTH,
  // a pair is one character: patterns of JSON Schema are Unicode patterns
  pattern: `^[^\\s${HIDDEN}]([^${HIDDEN}]*[^\\s${HIDDEN}])?$`,
  description: `a text of 1 to ${MAX_NAME_LENGTH} characters, without control characters, and without a space at either end`,
});

const names = (what: string, most: number) =>
  Type.Array(name, { maxItems: most, description: `${what}, at most ${most} at a time` });

export const catalogueReply = Type.Object({
  stores: Type.Array(Type.String(), { description: `at most ${MAX_NAMES.stores}` }),
  drinks: Type.Array(Type.String(), { description: `at most ${MAX_NAMES.drinks}` }),
});

export const namesToAdd = Type.Object(
  {
    stores: Type.Optional(names("stores", MAX_ADDED)),
    drinks: Type.Optional(names("drinks", MAX_NAMES.drinks)),
  },
  { additionalProperties: false },
);

/** Names that the catalogue has already are not in it. */
export const namesAdded = Type.Object({
  added: Type.Object({ stores: Type.Array(Type.String()), drinks: Type.Array(Type.String()) }),
});
