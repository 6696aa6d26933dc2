/** A program of the laboratory in a process of its own: it answers requests, and receives messages without a reply. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { atMost, type Closers, messageOf } from "#shared/runtime/lifecycle.ts";

export type ChildProcess<Message> = {
  /** Resolves with the reply, whose type the caller knows. */
  request<Reply>(message: Message): Promise<Reply>;
  /** Without a reply. */
  send(message: Message): void;
};

type Request<Message> = { readonly id: number | null; readonly message: Message };
type Response = { readonly id: number; readonly failed?: string; readonly reply?: unknown };

/** Connecting 5 000 clients takes seconds, and many times that on a busy machine. */
const REPLY_WITHIN_MS = 120_000;
const EXIT_WITHIN_MS = 5_000;

/** `file` is an absolute path. The program ends with the closers, and with this process. */
export const startChild = <Message>(file: string, closers: Closers): ChildProcess<Message> => {
  const child = fork(file, { serialization: "advanced" });
  const name = basename(file);
  const exited = once(child, "exit");
  const pending = new Map<number, (response: Response) => void>();
  let requests = 0;
  child.on("message", (response: Response) => pending.get(response.id)?.(response));
  const failAll = (): void => {
    for (const [id, settle] of pending) settle({ id, failed: "the process has exited" });
  };
  exited.then(failAll, failAll);
  closers.add(name, async () => {
    if (child.connected) child.disconnect();
    if (!(await atMost(exited, EXIT_WITHIN_MS))) child.kill("SIGKILL");
  });
  const post = (request: Request<Message>): void => {
    if (!child.connected) throw new Error(`${name}: the process has exited`);
    child.send(request);
  };
  return {
    request: async <Reply>(message: Message): Promise<Reply> => {
      const id = requests++;
      const responded = new Promise<Response>((resolve) => pending.set(id, resolve));
      const timeout = setTimeout(
        () => pending.get(id)?.({ id, failed: "no reply in time" }),
        REPLY_WITHIN_MS,
      );
      try {
        post({ id, message });
        const { failed, reply } = await responded;
        if (failed !== undefined) throw new Error(`${name}: ${failed}`);
        return reply as Reply;
      } finally {
        clearTimeout(timeout);
        pending.delete(id);
      }
    },
    send: (message) => post({ id: null, message }),
  };
};

/** The program's side. An error that `reply` throws is thrown at the requester. */
export const serveParent = <Message>(reply: (message: Message) => unknown): void => {
  process.on("message", async ({ id, message }: Request<Message>) => {
    try {
      const given = await reply(message);
      if (id !== null) process.send?.({ id, reply: given } satisfies Response);
    } catch (error) {
      if (id === null) throw error;
      process.send?.({ id, failed: messageOf(error) } satisfies Response);
    }
  });
  process.on("disconnect", () => process.exit());
};
