/** What the lab's own WebSocket clients need of RFC 6455: the opening, and the heads of unfragmented frames. */

export const OPCODE = { text: 1, close: 8, ping: 9 };
/** Masked by zeros, and empty; a client may send it unasked (section 5.5.3). */
export const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

const ACCEPTED = "HTTP/1.1 101 ";

/** The key is the one of the RFC; what the server makes of it is not looked at. */
export const upgradeRequest = (host: string, path: string, protocol: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${protocol}`,
    "\r\n",
  ].join("\r\n");

/** The length of the reply that accepts, null when it is cut off. Throws its first line when it does not accept. */
export const acceptedIn = (bytes: Buffer): number | null => {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = bytes.toString("latin1", 0, end);
  if (!head.startsWith(ACCEPTED)) throw new Error(head.split("\r\n", 1)[0]);
  return end + 4;
};

export type FrameHead = { readonly opcode: number; readonly header: number; readonly payload: number };

/** Section 5.2: a length of 126 or 127 says that the length follows in 2 or 8 bytes. Null when it is cut off. */
export const frameHeadOf = (bytes: Buffer): FrameHead | null => {
  const opcode = (bytes[0] ?? 0) & 0x0f;
  const length = (bytes[1] ?? 0) & 0x7f;
  const header = length === 126 ? 4 : length === 127 ? 10 : 2;
  if (bytes.length < header) return null;
  if (header === 2) return { opcode, header, payload: length };
  return {
    ...{ opcode, header },
    payload: header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)),
  };
};
