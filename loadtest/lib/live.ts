/** The dashboard's WebSocket, as each generator opens it by means of its own. */

export const LIVE_PROTOCOL = "coffee-rt.v1";

/** Lab routes beside the three modes have no dashboard of their own. */
export const filterOf = (mode: string): string => (/^v\d+$/.test(mode) ? `?mode=${mode}` : "");

export const liveUrl = (baseUrl: string, mode: string): string =>
  `${baseUrl.replace(/^http/, "ws")}/ws/dashboard${filterOf(mode)}`;

export type LiveHandlers = {
  onText(text: string): void;
  onOpen(): void;
  /** Once, however it ended. */
  onEnd(): void;
};

export type Live = { send(text: string): void; close(): void };

export const RESYNC = '{"type":"resync"}';
