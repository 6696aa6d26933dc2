/**
 * Access tokens: which program may send orders, read figures, or operate the system. A list of tokens is JSON:
 *
 *     [{ "name": "till 7", "token": "…", "may": ["write"], "modes": ["v2"], "requestsPerMinute": 600 },
 *      { "name": "wallboard", "sha256": "…", "may": ["read"] }]
 *
 * Two entries may have the same rights: a token is rotated by adding the new one, moving the clients, and removing the old one.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { type Static, Type } from "typebox";
import { checkBy } from "../runtime/schema.ts";

export const RIGHTS = ["write", "read", "operate"] as const;
/** `write`: send orders. `read`: figures, history, WebSocket. `operate`: the catalogue and, where required, /metrics. */
export type Right = (typeof RIGHTS)[number];

/** The characters are those of a WebSocket subprotocol too: a page cannot send a header with a WebSocket. */
const SHORTEST_TOKEN = 16;
const TOKEN = `^[A-Za-z0-9._~-]{${SHORTEST_TOKEN},200}$`;
/** Each needs a few hundred bytes; a system with more clients keeps its keys in a database. */
export const MAX_TOKENS = 10_000;

const entry = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    token: Type.Optional(Type.String({ pattern: TOKEN })),
    sha256: Type.Optional(Type.String({ pattern: "^[0-9a-fA-F]{64}$" })),
    may: Type.Array(Type.Union(RIGHTS.map((right) => Type.Literal(right))), { minItems: 1 }),
    modes: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
    requestsPerMinute: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  },
  { additionalProperties: false },
);
type Entry = Static<typeof entry>;
const checkEntry = checkBy(entry);

const EXPECTED: Readonly<Record<keyof Entry, string>> = {
  name: "a text of 1 to 100 characters",
  token: "16 to 200 letters, digits or . _ ~ - (openssl rand -hex 24 makes one)",
  sha256: "the SHA-256 of the token, as 64 hexadecimal digits",
  may: `a list of ${RIGHTS.join(", ")}`,
  modes: 'a list of modes, as ["v2"]',
  requestsPerMinute: "a whole number from 1 to 10000000",
};

/** What the holder of a token may do. */
export type Grant = {
  readonly name: string;
  readonly may: ReadonlySet<Right>;
  /** The modes that its orders may use; null is all. */
  readonly modes: ReadonlySet<string> | null;
  readonly requestsPerMinute: number | null;
};

export type Tokens = {
  /** Null for a token that is not in the list. */
  grantOf(token: string): Grant | null;
};

/**
 * The tokens of a JSON text. Throws an Error that names the entry and the field that is wrong, and never a token.
 * `modes` are the names that an entry may list.
 */
export const tokensFrom = (text: string, modes: readonly string[]): Tokens => {
  const byDigest = new Map<string, { readonly digest: Buffer; readonly grant: Grant }>();
  const names = new Set<string>();
  for (const [index, each] of entriesIn(text).entries()) {
    const { name } = each;
    const wrong = (problem: string): Error => new Error(`entry ${index + 1}, "${name}": ${problem}`);
    const unknown = each.modes?.find((mode) => !modes.includes(mode));
    if (unknown !== undefined) throw wrong(`modes: there is no mode "${unknown}", only ${modes.join(", ")}`);
    if ((each.token === undefined) === (each.sha256 === undefined))
      throw wrong("expected either token or sha256");
    if (names.has(name)) throw wrong("the name is used twice");
    names.add(name);
    const digest = each.sha256 === undefined ? digestOf(each.token ?? "") : Buffer.from(each.sha256, "hex");
    const key = digest.toString("base64");
    if (byDigest.has(key)) throw wrong("the token is used twice");
    byDigest.set(key, { digest, grant: grantFrom(each) });
  }
  return {
    // the time of the look-up depends on the digest alone, from which no token can be found
    grantOf: (token) => {
      const digest = digestOf(token);
      const found = byDigest.get(digest.toString("base64"));
      return found && timingSafeEqual(found.digest, digest) ? found.grant : null;
    },
  };
};

const digestOf = (token: string): Buffer => hash("sha256", token, "buffer");

const grantFrom = ({ name, may, modes, requestsPerMinute }: Entry): Grant => ({
  name,
  may: new Set(may),
  modes: modes ? new Set(modes) : null,
  requestsPerMinute: requestsPerMinute ?? null,
});

const entriesIn = (text: string): readonly Entry[] => {
  let list: unknown;
  try {
    // editors of Windows begin a file with a byte order mark
    list = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    // the parser's message quotes the text, which holds tokens
    throw new Error('expected JSON in UTF-8, as [{"name":"till 7","token":"…","may":["write"]}]');
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_TOKENS)
    throw new Error(`expected a list of 1 to ${MAX_TOKENS} tokens`);
  for (const [index, each] of list.entries()) expectEntry(each, index);
  return list as Entry[];
};

const expectEntry = (value: unknown, index: number): void => {
  const [error] = checkEntry(value);
  if (error === undefined) return;
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const field = missingProperty ?? additionalProperty ?? error.instancePath.split("/")[1];
  const where = `entry ${index + 1}`;
  if (!field) throw new Error(`${where}: expected an object with name, token or sha256, and may`);
  if (!Object.hasOwn(EXPECTED, field)) {
    const named = isNoToken(field) ? `there is no field "${field}"` : "has an unknown field";
    throw new Error(`${where}: ${named}; there are ${Object.keys(EXPECTED).join(", ")}`);
  }
  throw new Error(`${where}: ${field}: expected ${EXPECTED[field as keyof Entry]}`);
};

/** An unknown field may be a token in the wrong place, which is never quoted: a short one, or a misspelt field, is none. */
const isNoToken = (field: string): boolean =>
  field.length < SHORTEST_TOKEN ||
  (/^[A-Za-z_]{16,20}$/.test(field) &&
    Object.keys(EXPECTED).some((known) => known.slice(0, 4) === field.slice(0, 4).toLowerCase()));
