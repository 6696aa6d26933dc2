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
/** Most outages are restarts: for this long a client retries often enough to be live within 2 s of the server's return. */
const SHORT_OUTAGE_MS = 60_000;
/** Then the longest wait doubles with each attempt. */
const RETRY = { shortMs: 1_200, maxMs: 15_000 };

/**
 * How long a client waits before its next attempt: a random time, so that clients do not reconnect together. The first
 * wait has no lower limit, because all clients of a server lose their connections at the same moment.
 *
 * @param attempts those since the connection was lost that were made in a short outage, and after it
 * @param random from 0 to 1
 */
export const retryDelayMs = (
  attempts: { readonly early: number; readonly late: number },
  random: number,
): number => {
  const longestMs = Math.min(RETRY.maxMs, RETRY.shortMs * 2 ** attempts.late);
  return attempts.early === 0 ? random * longestMs : (0.5 + random / 2) * longestMs;
};

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
  /** When the last connection that lasted was lost; null while there is one. */
  let downSinceMs: number | null = null;
  let attempts = { early: 0, late: 0 };
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
    if (frame.type === "heartbeat") [downSinceMs, attempts] = [null, { early: 0, late: 0 }];
    onFrame(frame);
  };
  const reconnect = (): void => {
    const dead = socket;
    [socket, isUp] = [null, false];
    dead?.close();
    downSinceMs ??= Date.now();
    const isShort = Date.now() - downSinceMs < SHORT_OUTAGE_MS;
    if (!isShort) attempts.late++;
    retrying = setTimeout(connect, retryDelayMs(attempts, Math.random()));
    attempts.early++;
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
