/** The tokens that the settings name: read at the start, and from a file again when it changes. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { FastifyBaseLogger } from "fastify";
import { type Tokens, tokensFrom } from "#shared/access/tokens.ts";
import { modes } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { ApiSettings } from "./config.ts";

type AccessSettings = Pick<ApiSettings, "access" | "tokens" | "tokensFile" | "protectMetrics">;

/** Null with ACCESS=open. Throws an Error with a sentence when the settings contradict each other, or the list is wrong. */
export const readTokens = ({ access, tokens, tokensFile, protectMetrics }: AccessSettings): Tokens | null => {
  if (access === "open") {
    const unused = [tokens && "TOKENS", tokensFile && "TOKENS_FILE", protectMetrics && "PROTECT_METRICS"];
    const [first] = unused.filter((name) => name);
    if (first) throw new Error(`${first} is set, but ACCESS is open: set ACCESS=tokens, or remove ${first}.`);
    return null;
  }
  if ((tokens === "") === (tokensFile === ""))
    throw new Error("ACCESS is tokens: set either TOKENS_FILE or TOKENS, to a list of tokens as JSON.");
  return tokensFile === "" ? listed("TOKENS", tokens) : fileOf(tokensFile);
};

const listed = (what: string, text: string): Tokens => {
  try {
    return tokensFrom(
      text,
      modes.map(({ name }) => name),
    );
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}.`, { cause: error });
  }
};

const fileOf = (path: string): Tokens => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`TOKENS_FILE is "${path}": ${messageOf(error)}.`, { cause: error });
  }
  return listed(`TOKENS_FILE is "${path}"`, text);
};

/** Kubernetes replaces a mounted secret by a rename, which only a look at the path itself finds. */
const CHECK_EVERY_MS = 1_000;

export type TokenSource = {
  current(): Tokens;
  /** Calls `changed` after each change. */
  onChange(changed: () => void): void;
  close(): void;
};

/** Follows the file of `settings`. While its content is wrong the tokens before it stay valid, and the log says why. */
export const followTokens = (first: Tokens, path: string, log: FastifyBaseLogger): TokenSource => {
  let current = first;
  const listeners: (() => void)[] = [];
  const source = { current: () => current, onChange: (changed: () => void) => void listeners.push(changed) };
  if (path === "") return { ...source, close: () => undefined };
  const onChange = (): void => {
    try {
      current = fileOf(path);
      for (const changed of listeners) changed();
      log.info({ path }, "tokens read again");
    } catch (error) {
      log.error({ reason: messageOf(error) }, "tokens rejected, the previous ones stay valid");
    }
  };
  watchFile(path, { interval: CHECK_EVERY_MS }, onChange);
  return { ...source, close: () => unwatchFile(path, onChange) };
};
