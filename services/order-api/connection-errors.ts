/** Answers bytes that never become a request: there is no reply object yet, or the request did not arrive completely. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ProblemType, problemOf } from "./problems.ts";

/** By the code of Node's error; with any other the request is not HTTP/1.1. */
const PROBLEM_OF: Readonly<Record<string, ProblemType>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

/** A client that goes on sending gets this long to read the reply: closing at once would discard it. */
const LINGER_MS = 1_000;

/** Node's handler of `clientError`. */
export const rejectConnection = (error: Error & { code?: string }, socket: Socket): void => {
  if (!socket.writable) return;
  // a second reply in the middle of the first would be taken for its body
  const { _httpMessage: reply } = socket as { _httpMessage?: ServerResponse | null };
  if (reply?.headersSent) return void socket.destroy();
  const problem = problemOf(PROBLEM_OF[error.code ?? ""] ?? "bad-request");
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "content-type: application/problem+json",
    "connection: close",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end([...head, "", body].join("\r\n"));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
};
