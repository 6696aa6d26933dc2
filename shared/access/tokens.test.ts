import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { tokensFrom } from "./tokens.ts";

const SECRET = "0123456789abcdef-secret";
const read = (...entries: object[]) => tokensFrom(JSON.stringify(entries), ["v1", "v2"]);
const entry = (more: object = {}) => ({ name: "till 7", token: SECRET, may: ["write"], ...more });

test("grants the rights of the token that is presented, and nothing to others", () => {
  const { token: _, ...hashed } = entry({ name: "wall", sha256: hash("sha256", `${SECRET}2`).toUpperCase() });
  const tokens = read(entry({ modes: ["v2"], requestsPerMinute: 5 }), {
    ...hashed,
    may: ["read", "operate"],
  });
  expect(tokens.grantOf(SECRET)).toEqual({
    name: "till 7",
    may: new Set(["write"]),
    modes: new Set(["v2"]),
    requestsPerMinute: 5,
  });
  expect(tokens.grantOf(`${SECRET}2`)).toMatchObject({ name: "wall", modes: null, requestsPerMinute: null });
  for (const wrong of ["", SECRET.slice(1), `${SECRET}3`, SECRET.toUpperCase(), hash("sha256", `${SECRET}2`)])
    expect(tokens.grantOf(wrong)).toBeNull();
});

test("accepts a byte order mark before the list", () => {
  expect(tokensFrom(`\uFEFF${JSON.stringify([entry()])}\r\n`, []).grantOf(SECRET)?.name).toBe("till 7");
});

test.each([
  ["{", "expected JSON"],
  ["{}", "expected a list of 1 to 10000 tokens"],
  ["[]", "expected a list of 1 to 10000 tokens"],
  ["[1]", "entry 1: expected an object"],
])("rejects %s", (text, message) => expect(() => tokensFrom(text, [])).toThrow(message));

test.each([
  [{ token: "short" }, "entry 2: token: expected 16 to 200 letters"],
  [{ token: `${SECRET} with spaces` }, "entry 2: token: expected"],
  [{ token: undefined, sha256: "abc" }, "entry 2: sha256: expected the SHA-256"],
  [{ token: undefined }, 'entry 2, "till 8": expected either token or sha256'],
  [{ sha256: "0".repeat(64) }, 'entry 2, "till 8": expected either token or sha256'],
  [{ may: [] }, "entry 2: may: expected a list of write, read, operate"],
  [{ may: ["admin"] }, "entry 2: may: expected a list of write, read, operate"],
  [{ may: undefined }, "entry 2: may: expected a list of write, read, operate"],
  [{ modes: ["v9"] }, 'entry 2, "till 8": modes: there is no mode "v9", only v1, v2'],
  [{ modes: [] }, "entry 2: modes: expected a list of modes"],
  [{ requestsPerMinute: 0 }, "entry 2: requestsPerMinute: expected a whole number from 1"],
  [{ requestsPerMinute: 1.5 }, "entry 2: requestsPerMinute: expected a whole number from 1"],
  [{ rights: ["write"] }, 'entry 2: there is no field "rights"; there are name, token'],
  [{ requestPerMinute: 9 }, 'entry 2: there is no field "requestPerMinute"; there are name, token'],
  [{ [`${SECRET}9`]: 9 }, "entry 2: has an unknown field; there are name, token"],
  [{ name: "" }, "entry 2: name: expected a text of 1 to 100 characters"],
  [{ name: "till 7" }, 'entry 2, "till 7": the name is used twice'],
  [{ token: SECRET }, 'entry 2, "till 8": the token is used twice'],
])("names the entry and the field of %j, and no token", (more, message) => {
  let problem = "";
  try {
    read(entry(), entry({ name: "till 8", token: `${SECRET}8`, ...more }));
  } catch (error) {
    problem = (error as Error).message;
  }
  expect(problem).toContain(message);
  expect(problem).not.toContain(SECRET);
});
