/**
 * JSON over kept-alive connections, by node:http: the global fetch takes about twice the processor time per order,
 * and the replay shares its machine with the stack.
 */
import http from "node:http";
import https from "node:https";

export type Reply = { readonly status: number; readonly retryAfterMs: number; readonly body: string };

export type Client = {
  get(path: string): Promise<Reply>;
  post(path: string, body: string): Promise<Reply>;
  close(): void;
};

/** The API decides within 2 seconds; five times that is a lost connection. */
const REPLY_TIMEOUT_MS = 10_000;
/** A page of 10 000 rows of sales with long names is 4 MB. */
const MOST_REPLY_BYTES = 32 * 1024 * 1024;

export const openClient = (url: string, maxSockets: number): Client => {
  const scheme = url.startsWith("https:") ? https : http;
  const agent = new scheme.Agent({ keepAlive: true, maxSockets });
  const request = (
    method: string,
    path: string,
    body: string | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = scheme.request(`${url}${path}`, { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MOST_REPLY_BYTES)
            sent.destroy(new Error(`the reply to ${path} has more than ${MOST_REPLY_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const retryAfterMs = Number(response.headers["retry-after"] ?? 0) * 1_000 || 0;
          resolve({ status: response.statusCode ?? 0, retryAfterMs, body: Buffer.concat(chunks).toString() });
        });
      });
      sent.setTimeout(REPLY_TIMEOUT_MS, () =>
        sent.destroy(
          Object.assign(new Error(`no reply within ${REPLY_TIMEOUT_MS / 1_000} s`), { code: "ETIMEDOUT" }),
        ),
      );
      sent.on("error", reject);
      sent.end(body ?? undefined);
    });
  return {
    get: (path) => request("GET", path, null, { accept: "application/json" }),
    post: (path, body) =>
      request("POST", path, body, {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
      }),
    close: () => agent.destroy(),
  };
};
