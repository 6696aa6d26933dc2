import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { waitUntil } from "../../dev/system/wait.ts";
import { folderForTest } from "../../test/temporary.ts";
import { followTokens, readTokens } from "./token-source.ts";

const TOKEN = "till-0123456789abcdef";
const list = (...names: string[]): string =>
  JSON.stringify(names.map((name) => ({ name, token: `${name}-0123456789abcdef`, may: ["read"] })));
const settings = { access: "tokens", tokens: "", tokensFile: "", protectMetrics: false } as const;

test.each([
  [{}, "set either TOKENS_FILE or TOKENS"],
  [{ tokens: "[]", tokensFile: "x" }, "set either TOKENS_FILE or TOKENS"],
  [{ tokens: "[" }, "TOKENS: expected JSON"],
  [{ tokensFile: "/none/tokens.json" }, 'TOKENS_FILE is "/none/tokens.json": ENOENT'],
  [{ access: "open", tokens: "[]" }, "TOKENS is set, but ACCESS is open"],
  [{ access: "open", protectMetrics: true }, "PROTECT_METRICS is set, but ACCESS is open"],
] as const)("stops the program for %j", (changed, sentence) =>
  expect(() => readTokens({ ...settings, ...changed })).toThrow(sentence),
);

test("needs no tokens where access is open", () => {
  expect(readTokens({ ...settings, access: "open" })).toBeNull();
});

test.each([
  ["is malformed", (file: string) => writeFileSync(file, "[")],
  ["is empty", (file: string) => writeFileSync(file, "")],
  ["is UTF-16", (file: string) => writeFileSync(file, Buffer.from(`\uFEFF${list("next")}`, "utf16le"))],
  ["is removed", (file: string) => rmSync(file)],
])("keeps the tokens and reports it while the file %s", async (_, spoil) => {
  const tokensFile = join(folderForTest(), "tokens.json");
  writeFileSync(tokensFile, list("till"));
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const first = readTokens({ ...settings, tokensFile });
  if (first === null) throw new Error("no tokens");
  const source = followTokens(first, tokensFile, log);
  onTestFinished(() => source.close());
  spoil(tokensFile);
  await waitUntil("the content is rejected", source.isRejected);
  expect(lines.join()).toContain("tokens rejected, the previous ones stay valid");
  expect(lines.join()).not.toContain("0123456789abcdef");
  expect(source.current().grantOf(TOKEN)).not.toBeNull();
  writeFileSync(tokensFile, list("next"));
  await waitUntil("the next list is in use", () => source.current().grantOf(TOKEN) === null);
  expect(source.isRejected()).toBe(false);
});
