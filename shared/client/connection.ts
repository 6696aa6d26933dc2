import type { LiveFrame, LiveResync } from "../domain/dashboard.ts";
import type { bearerProtocol, LIVE_PROTOCOL } from "../wire/dashboard.ts";

const PROTOCOL: typeof LIVE_PROTOCOL = "coffee-rt.v1";
/** A browser sends no header with a WebSocket. */
const withToken: typeof bearerProtocol = (token) => `bearer.${token}`;
/** Three and a half missed heartbeats. */
const SILENCE_MS = 3_500;
/** From the attempt to the first frame: a phone's radio may have to wake up. */
const CONNECT_MS = 10_000;
const CHECK_EVERY_MS = 500;
/** The maximum wait doubles with each attempt; the wait is a random part of it, so that clients do not reconnect together. */
const RETRY = { firstMs: 500, maxMs: 15_000 };

export type Connection = {
  /** Whether a frame has come over the present connection. */
  isUp(): boolean;
  send(request: LiveResync): void;
  close(): void;
};
export type Listener = { onUp(): void; onFrame(frame: LiveFrame): void; onDown(): void };

/** One connection at a time, reopened until it is closed, and replaced when it is silent. */
export const openConnection = (
  url: string,
  token: string | null,
  { onUp, onFrame, onDown }: Listener,
): Connection => {
  const protocols = token === null ? [PROTOCOL] : [PROTOCOL, withToken(token)];
  let socket: WebSocket | null = null;
  let isUp = false;
  let receivedAtMs = 0;
  let attempts = 0;
  let retrying: ReturnType<typeof setTimeout> | undefined;

  const connect = (): void => {
    const current = new WebSocket(url, protocols);
    socket = current;
    // Date.now() advances while a laptop sleeps, so a connection that died meanwhile is replaced at once
    receivedAtMs = Date.now();
    current.onmessage = ({ data }) => {
      if (socket === current) receive(String(data));
    };
    current.onclose = () => {
      if (socket === current) reconnect();
    };
    // a close event follows
    current.onerror = () => undefined;
  };
  const receive = (text: string): void => {
    const frame = frameOf(text);
    if (frame === null) {
      reconnect();
      return;
    }
    receivedAtMs = Date.now();
    if (!isUp) onUp();
    isUp = true;
    // a server that accepts connections and drops them has not recovered: only a connection that lasts resets the wait
    if (frame.type === "heartbeat") attempts = 0;
    onFrame(frame);
  };
  const reconnect = (): void => {
    const dead = socket;
    [socket, isUp] = [null, false];
    dead?.close();
    const longestMs = Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** attempts++);
    retrying = setTimeout(connect, Math.random() * longestMs);
    onDown();
  };
  const check = (): void => {
    if (socket && Date.now() - receivedAtMs > (isUp ? SILENCE_MS : CONNECT_MS)) reconnect();
  };
  const checking = setInterval(check, CHECK_EVERY_MS);
  connect();
  return {
    isUp: () => isUp,
    send: (request) => {
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

/** Null for text that is not a frame of this protocol. */
const frameOf = (text: string): LiveFrame | null => {
  try {
    const frame = JSON.parse(text) as LiveFrame | null;
    return typeof frame === "object" && typeof frame?.type === "string" ? frame : null;
  } catch {
    // not JSON, so not a frame
    return null;
  }
};
