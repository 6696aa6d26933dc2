/** A program of the benchmark in a process of its own, which is told things and asked others. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { atMost, type Closers, messageOf } from "#shared/runtime/lifecycle.ts";

export type Forked<Message> = {
  /** Resolves with the answer, of which the caller knows the form. */
  ask<Answer>(message: Message): Promise<Answer>;
  /** Waits for nothing. */
  tell(message: Message): void;
};

type Asked<Message> = { readonly question: number | null; readonly message: Message };
type Answered = { readonly question: number; readonly failed?: string; readonly answer?: unknown };

/** Connecting 5 000 clients takes seconds, and many times that while something else has the processors. */
const ANSWER_WITHIN_MS = 120_000;
const END_WITHIN_MS = 5_000;

/** `file` is beside this one. The program ends with the closers, and when this process ends in whatever way. */
export const startForked = <Message>(file: string, closers: Closers): Forked<Message> => {
  const child = fork(join(import.meta.dirname, file), { serialization: "advanced" });
  const ended = once(child, "exit");
  const waiting = new Map<number, (answered: Answered) => void>();
  let questions = 0;
  child.on("message", (answered: Answered) => waiting.get(answered.question)?.(answered));
  const endAll = (): void => {
    for (const [question, settle] of waiting) settle({ question, failed: "it has ended" });
  };
  ended.then(endAll, endAll);
  closers.add(file, async () => {
    if (child.connected) child.disconnect();
    if (!(await atMost(ended, END_WITHIN_MS))) child.kill("SIGKILL");
  });
  const say = (asked: Asked<Message>): void => {
    if (!child.connected) throw new Error(`${file} has ended`);
    child.send(asked);
  };
  return {
    ask: async <Answer>(message: Message): Promise<Answer> => {
      const question = questions++;
      const answered = new Promise<Answered>((resolve) => waiting.set(question, resolve));
      const late = setTimeout(
        () => waiting.get(question)?.({ question, failed: "no answer" }),
        ANSWER_WITHIN_MS,
      );
      try {
        say({ question, message });
        const { failed, answer } = await answered;
        if (failed !== undefined) throw new Error(`${file}: ${failed}`);
        return answer as Answer;
      } finally {
        clearTimeout(late);
        waiting.delete(question);
      }
    },
    tell: (message) => say({ question: null, message }),
  };
};

/** The program's side. What `answer` throws is thrown where it was asked. */
export const answerQuestions = <Message>(answer: (message: Message) => unknown): void => {
  process.on("message", async ({ question, message }: Asked<Message>) => {
    try {
      const given = await answer(message);
      if (question !== null) process.send?.({ question, answer: given } satisfies Answered);
    } catch (error) {
      if (question === null) throw error;
      process.send?.({ question, failed: messageOf(error) } satisfies Answered);
    }
  });
  process.on("disconnect", () => process.exit());
};
