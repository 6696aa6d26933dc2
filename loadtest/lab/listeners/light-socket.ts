/**
 * A WebSocket client that reads the head of each text frame and skips the rest: two thirds of the CPU of a full client, which on
 * two cores is taken from the server that is measured. Only for unfragmented frames.
 */
import { connect, type Socket } from "node:net";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import { acceptedIn, frameHeadOf, OPCODE, PONG, upgradeRequest } from "./frames.ts";

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
      try {
        const end = acceptedIn(bytes);
        if (end === null) return 0;
        isOpen = true;
        resolve(light);
        return end;
      } catch (error) {
        reject(new Error(`${url}: ${messageOf(error)}`));
        socket.destroy();
        return bytes.length;
      }
    };
    /** How many bytes it took; 0 when more are needed. */
    const takeFrame = (bytes: Buffer): number => {
      const head = frameHeadOf(bytes);
      if (head === null) return 0;
      const { opcode, header, payload } = head;
      const headEnd = header + Math.min(payload, HEAD_BYTES);
      if (bytes.length < headEnd) return 0;
      if (opcode === OPCODE.text) onText(bytes.toString("latin1", header, headEnd), header + payload);
      else if (opcode === OPCODE.ping) socket.write(PONG);
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
    socket.write(upgradeRequest(`${hostname}:${port}`, pathname, LIVE_PROTOCOL));
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
