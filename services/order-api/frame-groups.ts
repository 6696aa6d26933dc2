/**
 * A WebSocket on which each frame of the client gets one result. Frames that arrive together are answered together, so that
 * a busy connection costs a fraction of a request for each frame.
 */
import type { WebSocket } from "ws";
import { CLOSE } from "./sockets.ts";

/** Resolves with a result for each frame, in their order; never rejects. */
export type AnswerFrames = (frames: readonly string[]) => Promise<readonly unknown[]>;

export type FrameGroups = {
  /** Answers the frames of this socket until it closes. */
  serve(socket: WebSocket, answer: AnswerFrames): void;
  /** Reads no more, sends the results of what was read, and closes every socket with 1001. */
  close(): Promise<void>;
};

/**
 * Frames read from one socket and not yet answered. At this many no more are read, and TCP holds the client back; those that
 * were read from the network with the last one (at most 64 KiB) come on top.
 */
const MAX_UNANSWERED = 1_000;
/** Results that a client has not read. Until it reads them no frame of it is read, so it gets no more. */
const MAX_UNREAD_BYTES = 262_144;

export const openFrameGroups = (): FrameGroups => {
  const open = new Set<{ close(): Promise<void> }>();
  return {
    serve: (socket, answer) => {
      const served = serveFrames(socket, answer);
      open.add(served);
      socket.once("close", () => open.delete(served));
    },
    close: async () => {
      await Promise.all([...open].map((each) => each.close()));
    },
  };
};

const serveFrames = (socket: WebSocket, answer: AnswerFrames): { close(): Promise<void> } => {
  let arrived: string[] = [];
  let unanswered = 0;
  let closing = false;
  const finished = Promise.withResolvers<void>();

  const answerArrived = async (): Promise<void> => {
    const frames = arrived;
    arrived = [];
    const results = await answer(frames);
    unanswered -= frames.length;
    // to a socket that is closed it sends nothing
    socket.send(JSON.stringify(results), regulate);
    regulate();
  };
  const regulate = (): void => {
    if (closing) {
      if (unanswered === 0) end();
    } else if (unanswered >= MAX_UNANSWERED || socket.bufferedAmount > MAX_UNREAD_BYTES) socket.pause();
    else if (socket.isPaused) socket.resume();
  };
  const end = (): void => {
    socket.close(CLOSE.goingAway, "the server is stopping");
    // the client's own close frame has to be read
    socket.resume();
    finished.resolve();
  };

  socket.on("message", (data) => {
    // what arrives after the closing frame gets no result, so the client sends it again
    if (socket.readyState !== socket.OPEN) return;
    unanswered++;
    if (arrived.push(String(data)) === 1) process.nextTick(answerArrived);
    regulate();
  });
  socket.once("close", () => finished.resolve());
  return {
    close: () => {
      closing = true;
      socket.pause();
      regulate();
      return finished.promise;
    },
  };
};
