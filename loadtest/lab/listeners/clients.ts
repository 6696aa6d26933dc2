/** Dashboard clients, thousands of them in a process of their own: they read the head of each frame and skip the rest. */
import { percentileOf } from "../judge/statistics.ts";
import { serveParent } from "../run/child-process.ts";
import { type LightSocket, openLightSocket } from "./light-socket.ts";

export type ToClients =
  /** Slow ones stop reading as soon as they are connected. */
  | { readonly connect: number; readonly url: string; readonly areSlow: boolean }
  /** Whether every client has the board of this version, or nothing has been received for a while. */
  | { readonly isComplete: number }
  /** The figures up to this version; `publishedMs`: how long boards were published, with the pause after the last. */
  | { readonly figuresUpTo: number; readonly publishedMs: number }
  | "reset figures"
  | "disconnect";

/** Of the clients that are not slow, since the last reset. A frame counts when it brings a newer board. */
export type Received = {
  readonly frames: number;
  readonly bytes: number;
  readonly framesPerSecond: number;
  /** Frames that do not follow the frame before. */
  readonly gaps: number;
  /** Clients without the last board. */
  readonly behind: number;
  readonly delayP99Ms: number;
  /** Of this process. */
  readonly cpuSeconds: number;
};

/** `seq` and `version` are of the last frame, the others since the last reset. */
type Client = {
  readonly socket: LightSocket;
  readonly isSlow: boolean;
  readonly stream: Stream;
};
type Stream = { seq: string; version: number; frames: number; firstMs: number; lastMs: number };

/** More connections at a time would only wait for each other. */
const AT_ONCE = 64;
/** Between two frames. */
const PERIOD_MS = 100;
/** After this long a server sends nothing more to clients that it skipped. */
const QUIET_MS = 2_000;
const POSITION =
  /^\{"type":"(?:delta|snapshot)","seq":(\d+),"epoch":\d+,"version":(\d+),"as_of":"([^"]+)",(?:"previous":(\d+))?/;

let clients: Client[] = [];
const noFigures = () => ({ bytes: 0, gaps: 0, delaysMs: [] as number[], cpu: process.cpuUsage() });
let figures = noFigures();
let lastReceivedMs = performance.now();
/** Parsed once for all frames of a board. */
let asOf = { text: "", ms: 0 };

const onFrame = (stream: Stream, head: string, bytes: number): void => {
  const found = POSITION.exec(head);
  if (!found) return;
  const [, seq = "", version = "", asOfText = "", previous] = found;
  if (previous !== undefined && previous !== stream.seq) figures.gaps++;
  stream.seq = seq;
  if (Number(version) <= stream.version) return;
  stream.version = Number(version);
  stream.lastMs = lastReceivedMs = performance.now();
  if (stream.frames++ === 0) stream.firstMs = stream.lastMs;
  if (asOfText !== asOf.text) asOf = { text: asOfText, ms: Date.parse(asOfText) };
  figures.bytes += bytes;
  figures.delaysMs.push(Date.now() - asOf.ms);
};

const connectAll = async (count: number, url: string, isSlow: boolean): Promise<void> => {
  let left = count;
  const connectSome = async (): Promise<void> => {
    while (left-- > 0) {
      const stream = { seq: "", version: 0, frames: 0, firstMs: 0, lastMs: 0 };
      const socket = await openLightSocket(url, (head, bytes) => onFrame(stream, head, bytes)).catch(
        (error) => {
          left = 0;
          throw error;
        },
      );
      if (isSlow) socket.stopReading();
      clients.push({ socket, isSlow, stream });
    }
  };
  // a failure is reported when no connection is still opening
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, connectSome));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
};

const resetFigures = (): void => {
  figures = noFigures();
  for (const { stream } of clients) stream.frames = 0;
};

const readers = (): Stream[] => clients.filter(({ isSlow }) => !isSlow).map(({ stream }) => stream);

const behind = (lastVersion: number): number =>
  readers().filter(({ version }) => version !== lastVersion).length;

const isComplete = (lastVersion: number): boolean =>
  behind(lastVersion) === 0 || (figures.delaysMs.length > 0 && performance.now() - lastReceivedMs > QUIET_MS);

const received = (lastVersion: number, publishedMs: number): Received => {
  // a server that lags sends for longer than boards were published; how late it started does not matter here
  const perSecond = ({ frames, firstMs, lastMs }: Stream): number =>
    (frames * 1_000) / Math.max(publishedMs, lastMs - firstMs + PERIOD_MS);
  const { user, system } = process.cpuUsage(figures.cpu);
  return {
    frames: figures.delaysMs.length,
    bytes: figures.bytes,
    framesPerSecond: readers().reduce((sum, stream) => sum + perSecond(stream), 0),
    gaps: figures.gaps,
    behind: behind(lastVersion),
    delayP99Ms: percentileOf(figures.delaysMs, 0.99),
    cpuSeconds: (user + system) / 1e6,
  };
};

const disconnect = (): void => {
  for (const { socket } of clients) socket.close();
  clients = [];
  figures = noFigures();
};

serveParent((message: ToClients) => {
  if (message === "reset figures") return resetFigures();
  if (message === "disconnect") return disconnect();
  if ("isComplete" in message) return isComplete(message.isComplete);
  if ("connect" in message) return connectAll(message.connect, message.url, message.areSlow);
  return received(message.figuresUpTo, message.publishedMs);
});
