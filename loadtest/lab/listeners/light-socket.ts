/**
 * A WebSocket client that reads the head of each text frame and skips the rest: two thirds of the CPU of a full client, which on
 * two cores is taken from the server that is measured. Only for unfragmented frames.
 */
import { connect, type Socket } from "node:net";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";

export type LightSocket = {
  /** Reads nothing more, but keeps the connection alive with pongs. */
  stopReading(): void;
  isOpen(): boolean;
  close(): void;
};

/** All of a live frame that comes before its data. */
const HEAD_BYTES = 200;
const READ_BYTES = 65_536;
/** Well within the server's 15 s. */
const PONG_EVERY_MS = 5_000;
const TEXT = 1;
const PING = 9;
/** Masked by zeros, and empty; a client may send it unasked (RFC 6455, 5.5.3). */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const ACCEPTED = "HTTP/1.1 101 ";

/** One for all sockets: what is read into it is dealt with before anything else is read. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

/** `onText` is given a frame's head and how long the frame is. Resolves when the server has accepted. */
export const openLightSocket = (
  url: string,
  onText: (head: string, frameBytes: number) => void,
): Promise<LightSocket> =>
  new Promise((resolve, reject) => {
    const { hostname, port, pathname } = new URL(url);
    let isOpen = false;
    /** Bytes that did not reach for the next step. */
    let rest: Buffer | null = null;
    let skip = 0;

    const accept = (bytes: Buffer): number => {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return 0;
      const head = bytes.toString("latin1", 0, end);
      if (!head.startsWith(ACCEPTED)) {
        reject(new Error(`${url}: ${head.split("\r\n")[0]}`));
        socket.destroy();
        return bytes.length;
      }
      isOpen = true;
      resolve(light);
      return end + 4;
    };
    /** How many bytes it took; 0 when more are needed. */
    const takeFrame = (bytes: Buffer): number => {
      const size = sizeOf(bytes);
      if (size === null) return 0;
      const { header, payload } = size;
      const headEnd = header + Math.min(payload, HEAD_BYTES);
      if (bytes.length < headEnd) return 0;
      const opcode = (bytes[0] ?? 0) & 0x0f;
      if (opcode === TEXT) onText(bytes.toString("latin1", header, headEnd), header + payload);
      else if (opcode === PING) socket.write(PONG);
      skip = header + payload - headEnd;
      return headEnd;
    };
    const take = (read: Buffer): void => {
      let bytes = rest === null ? read : Buffer.concat([rest, read]);
      rest = null;
      while (bytes.length > 0) {
        const skipped = Math.min(skip, bytes.length);
        skip -= skipped;
        const taken = skipped > 0 ? skipped : isOpen ? takeFrame(bytes) : accept(bytes);
        if (taken === 0) break;
        bytes = bytes.subarray(taken);
      }
      // a copy: the buffer is read into again
      if (bytes.length > 0) rest = Buffer.from(bytes);
    };

    const callback = (bytes: number): boolean => {
      take(readBuffer.subarray(0, bytes));
      return true;
    };
    const socket = connect({ host: hostname, port: Number(port), onread: { buffer: readBuffer, callback } });
    const light = lightSocket(socket, () => isOpen);
    socket.on("error", reject);
    socket.on("close", () => {
      isOpen = false;
      reject(new Error(`${url}: closed`));
    });
    socket.write(requestFor(`${hostname}:${port}`, pathname));
  });

const lightSocket = (socket: Socket, isOpen: () => boolean): LightSocket => {
  let ponging: NodeJS.Timeout | undefined;
  socket.on("close", () => clearInterval(ponging));
  return {
    stopReading: () => {
      socket.pause();
      ponging = setInterval(() => socket.write(PONG), PONG_EVERY_MS);
    },
    isOpen,
    close: () => socket.destroy(),
  };
};

/** RFC 6455, 5.2: a length of 126 or 127 says that the length follows in 2 or 8 bytes. Null when it is cut off. */
const sizeOf = (bytes: Buffer): { readonly header: number; readonly payload: number } | null => {
  const length = (bytes[1] ?? 0) & 0x7f;
  const header = length === 126 ? 4 : length === 127 ? 10 : 2;
  if (bytes.length < header) return null;
  if (header === 2) return { header, payload: length };
  return { header, payload: header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)) };
};

/** The key is the one of RFC 6455; what the server makes of it is not looked at. */
const requestFor = (host: string, path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${LIVE_PROTOCOL}`,
    "\r\n",
  ].join("\r\n");
