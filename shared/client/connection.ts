import type { LiveFrame, LiveResync } from "../domain/dashboard.ts";
import type { LIVE_PROTOCOL } from "../wire/dashboard.ts";

const PROTOCOL: typeof LIVE_PROTOCOL = "coffee-rt.v1";
/** Three heartbeats missed, and a half. */
const SILENCE_MS = 3_500;
/** From the attempt to the first frame: a phone's radio may have to wake up. */
const CONNECT_MS = 10_000;
const CHECK_EVERY_MS = 500;
/** The longest wait doubles with each attempt; the wait is any part of it, so that not all clients come back at once. */
const RETRY = { firstMs: 500, mostMs: 15_000 };

export type Line = {
  /** Whether a frame has come over the present connection. */
  isUp(): boolean;
  say(request: LiveResync): void;
  close(): void;
};
export type Hearer = { onUp(): void; onFrame(frame: LiveFrame): void; onDown(): void };

/** One connection at a time, made anew for as long as the line is open; given up when it is silent. */
export const openLine = (url: string, { onUp, onFrame, onDown }: Hearer): Line => {
  let socket: WebSocket | null = null;
  let isUp = false;
  let heardAtMs = 0;
  let attempts = 0;
  let retrying: ReturnType<typeof setTimeout> | undefined;

  const connect = (): void => {
    const current = new WebSocket(url, PROTOCOL);
    socket = current;
    // Date.now() goes on while a laptop sleeps, so a connection that died meanwhile is given up at once
    heardAtMs = Date.now();
    current.onmessage = ({ data }) => {
      if (socket === current) hear(String(data));
    };
    current.onclose = () => {
      if (socket === current) giveUp();
    };
    // the close that follows tells
    current.onerror = () => undefined;
  };
  const hear = (text: string): void => {
    const frame = frameOf(text);
    if (frame === null) {
      giveUp();
      return;
    }
    heardAtMs = Date.now();
    if (!isUp) onUp();
    isUp = true;
    // a server that takes connections and drops them is no success: only what lasts is
    if (frame.type === "heartbeat") attempts = 0;
    onFrame(frame);
  };
  const giveUp = (): void => {
    const dead = socket;
    [socket, isUp] = [null, false];
    dead?.close();
    const longestMs = Math.min(RETRY.mostMs, RETRY.firstMs * 2 ** attempts++);
    retrying = setTimeout(connect, Math.random() * longestMs);
    onDown();
  };
  const check = (): void => {
    if (socket && Date.now() - heardAtMs > (isUp ? SILENCE_MS : CONNECT_MS)) giveUp();
  };
  const checking = setInterval(check, CHECK_EVERY_MS);
  connect();
  return {
    isUp: () => isUp,
    say: (request) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(request));
    },
    close: () => {
      clearInterval(checking);
      clearTimeout(retrying);
      const last = socket;
      socket = null;
      last?.close();
    },
  };
};

/** Null for what no server of this protocol sends. */
const frameOf = (text: string): LiveFrame | null => {
  try {
    const frame = JSON.parse(text) as LiveFrame | null;
    return typeof frame === "object" && typeof frame?.type === "string" ? frame : null;
  } catch {
    // not JSON, so not a frame
    return null;
  }
};
