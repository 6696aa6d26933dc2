/** The tokens that the settings name: read at the start, and from a file again when it changes. */
import { readFileSync, statSync } from "node:fs";
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

/** By its path, because Kubernetes replaces a mounted secret by a rename. */
const CHECK_EVERY_MS = 1_000;

export type TokenSource = {
  current(): Tokens;
  /** Calls `changed` after each change. */
  onChange(changed: () => void): void;
  /** The file's present content is wrong or missing, so that an earlier list is in use. */
  isRejected(): boolean;
  close(): void;
};

/** Follows the file of `settings`. While its content is wrong the tokens before it stay valid, and the log says why. */
export const followTokens = (first: Tokens, path: string, log: FastifyBaseLogger): TokenSource => {
  let current = first;
  const listeners: (() => void)[] = [];
  let isRejected = false;
  const source = {
    current: () => current,
    onChange: (changed: () => void) => void listeners.push(changed),
    isRejected: () => isRejected,
  };
  if (path === "") return { ...source, close: () => undefined };
  let version = "";
  const check = (): void => {
    const seen = versionOf(path);
    if (seen === version) return;
    const isFirst = version === "";
    version = seen;
    try {
      current = fileOf(path);
    } catch (error) {
      isRejected = true;
      log.error({ reason: messageOf(error) }, "tokens rejected, the previous ones stay valid");
      return;
    }
    isRejected = false;
    if (!isFirst) log.info({ path }, "tokens read again");
    for (const changed of listeners) changed();
  };
  check();
  const timer = setInterval(check, CHECK_EVERY_MS);
  return { ...source, close: () => clearInterval(timer) };
};

/** Differs after each change of the file. */
const versionOf = (path: string): string => {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return messageOf(error);
  }
};
