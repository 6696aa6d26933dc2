/** Headers that a proxy adds: its path, and the host that the browser sees. */
import { describe, expect, test } from "vitest";
import { forwardedPrefix, isAllowedOrigin } from "./headers.ts";

describe("the path of a proxy", () => {
  test.each([
    [undefined, ""],
    ["", ""],
    ["/", ""],
    ["/coffee", "/coffee"],
    ["/coffee/", "/coffee"],
    ["/shop.example/~till_2/orders-v1", "/shop.example/~till_2/orders-v1"],
    ["/outer, /inner", "/outer/inner"],
    ["/outer/,/inner/", "/outer/inner"],
    ["/..well-known", "/..well-known"],
  ])("%j is %j", (given, prefix) => {
    expect(forwardedPrefix({ "x-forwarded-prefix": given })).toBe(prefix);
  });

  test.each([
    [
      "another host",
      ["//evil.example", "///evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"],
    ],
    ["a parent folder", ["/..", "/../admin", "/coffee/..", "/coffee/../..", "/./x"]],
    ["an escape", ["/%2e%2e", "/%2f%2fevil.example", "/%0d%0aset-cookie:x"]],
    ["no path", ["coffee", "javascript:alert(1)", "?x", "#x", "/a?b=c", "/a#b"]],
    [
      "another character",
      ["/a b", "/a\r\nset-cookie: x", "/a\u0000", "/kaffee-☕", "/a;b", "/<script>", '/"'],
    ],
    ["a long text", [`/${"x".repeat(300)}`]],
  ])("%s is no prefix", (_, prefixes) => {
    for (const prefix of prefixes)
      expect([prefix, forwardedPrefix({ "x-forwarded-prefix": prefix })]).toEqual([prefix, ""]);
  });
});

describe("a WebSocket of a page", () => {
  const page = "https://shop.example";
  test.each([
    ["of the API's host", { host: "shop.example" }, true],
    [
      "of the host that a proxy replaced",
      { host: "127.0.0.1:8005", "x-forwarded-host": "shop.example" },
      true,
    ],
    [
      "of the first of several proxies",
      { host: "b", "x-forwarded-host": "shop.example, inner.example" },
      true,
    ],
    ["of another port", { host: "shop.example:8443" }, false],
    ["of a later proxy", { host: "b", "x-forwarded-host": "other.example, shop.example" }, false],
    ["behind a proxy that sends no host", { host: "127.0.0.1:8005" }, false],
    ["of a host whose name begins alike", { host: "shop.example.evil.example" }, false],
    ["without a host", {}, false],
  ])("%s: %o", (_, headers, isAllowed) => {
    expect(isAllowedOrigin({ ...headers, origin: page }, [])).toBe(isAllowed);
    expect(isAllowedOrigin({ ...headers, origin: page }, [page])).toBe(true);
  });

  test("of an origin that is no URL is rejected, and a program without one is not", () => {
    for (const origin of ["null", "", "shop.example"])
      expect(isAllowedOrigin({ origin, host: "shop.example", "x-forwarded-host": "" }, [])).toBe(false);
    expect(isAllowedOrigin({ host: "shop.example" }, [])).toBe(true);
  });
});
