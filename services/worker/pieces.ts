/** Entries taken apart into the texts of their orders, without changing a character of them. */
import type { Entry } from "#shared/ports.ts";

/** An order, or what claims to be one, and where it came from; index -1 is the whole entry. */
export type Piece = { readonly origin: string; readonly index: number; readonly text: string };
export type Poison = { readonly piece: Piece; readonly error: unknown };

/** The members of an entry's array, as text: the whole batch becomes one array without being parsed here. */
export const bare = ({ payload }: Entry): string => {
  const text = payload.trim();
  const inside = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : text;
  return inside === "" ? "null" : inside;
};

/** The slow path: entries taken apart one by one, so that each order stands alone. */
export const piecesOf = (entries: readonly Entry[]): { pieces: Piece[]; broken: Poison[] } => {
  const pieces: Piece[] = [];
  const broken: Poison[] = [];
  for (const { origin, payload } of entries) {
    try {
      JSON.parse(payload);
    } catch (error) {
      broken.push({ piece: { origin, index: -1, text: payload }, error });
      continue;
    }
    for (const [index, text] of membersOf(payload.trim()).entries()) pieces.push({ origin, index, text });
  }
  return { pieces, broken };
};

/**
 * The texts of an array's members; of anything else, itself. Parsing and writing them anew would change what is kept
 * as a dead letter (1e400 becomes null) and fails for members nested deeper than the stack.
 */
const membersOf = (json: string): string[] => {
  if (!json.startsWith("[")) return [json];
  const members: string[] = [];
  let depth = 0;
  let start = 1;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') at = endOfText(json, at);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth === 0 || (depth === 1 && character === ",")) {
      members.push(json.slice(start, at).trim());
      start = at + 1;
    }
  }
  return members.length === 1 && members[0] === "" ? [] : members;
};

/** The place of the quotation mark that ends the text which begins at `start`. */
const endOfText = (json: string, start: number): number => {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
};
