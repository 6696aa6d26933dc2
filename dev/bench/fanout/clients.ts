/** The clients of the fan-out, in a process of their own: they look at a frame's head and no further. */
import { percentileOf } from "../figure.ts";
import { answerQuestions } from "./forked.ts";
import { type LightSocket, openLightSocket } from "./light-socket.ts";

export type ToClients =
  /** Slow ones take nothing of what they are sent once they are connected. */
  | { readonly connect: number; readonly url: string; readonly areSlow: boolean }
  /** Whether all that is left of the boards up to this version has come: to all, or a while ago. */
  | { readonly hasCome: number }
  /** What was heard of boards up to this version; `publishedMs`: for how long, with the pause after the last. */
  | { readonly heardOf: number; readonly publishedMs: number }
  /** Count anew. */
  | "begin"
  /** Hang up. */
  | "close";

/** Of the clients that are not slow, since "begin". A frame counts when it brings a newer board. */
export type Heard = {
  readonly frames: number;
  readonly bytes: number;
  readonly framesPerSecond: number;
  /** Frames that do not follow the one before. */
  readonly gaps: number;
  /** Clients that have not heard of the last board. */
  readonly behind: number;
  readonly delayP99Ms: number;
  /** What this process took for it. */
  readonly cpuSeconds: number;
};

type Client = {
  readonly socket: LightSocket;
  readonly isSlow: boolean;
  readonly ear: Ear;
};
type Ear = { seq: string; version: number; frames: number; firstMs: number; lastMs: number };

/** More at a time would only wait for each other. */
const AT_ONCE = 64;
/** Between two frames. */
const PERIOD_MS = 100;
/** After this long nothing more comes to those whom a server left out. */
const QUIET_MS = 2_000;
const POSITION =
  /^\{"type":"(?:delta|snapshot)","seq":(\d+),"epoch":\d+,"version":(\d+),"as_of":"([^"]+)",(?:"previous":(\d+))?/;

let clients: Client[] = [];
const counting = () => ({ bytes: 0, gaps: 0, delaysMs: [] as number[], cpu: process.cpuUsage() });
let counted = counting();
let lastHeardMs = performance.now();
/** All frames of one board have one. */
let asOf = { text: "", ms: 0 };

const hear = (ear: Ear, head: string, bytes: number): void => {
  const found = POSITION.exec(head);
  if (!found) return;
  const [, seq = "", version = "", asOfText = "", previous] = found;
  if (previous !== undefined && previous !== ear.seq) counted.gaps++;
  ear.seq = seq;
  if (Number(version) <= ear.version) return;
  ear.version = Number(version);
  ear.lastMs = lastHeardMs = performance.now();
  if (ear.frames++ === 0) ear.firstMs = ear.lastMs;
  if (asOfText !== asOf.text) asOf = { text: asOfText, ms: Date.parse(asOfText) };
  counted.bytes += bytes;
  counted.delaysMs.push(Date.now() - asOf.ms);
};

const connectAll = async (count: number, url: string, isSlow: boolean): Promise<void> => {
  let left = count;
  const connectSome = async (): Promise<void> => {
    while (left-- > 0) {
      const ear = { seq: "", version: 0, frames: 0, firstMs: 0, lastMs: 0 };
      const socket = await openLightSocket(url, (head, bytes) => hear(ear, head, bytes)).catch((error) => {
        left = 0;
        throw error;
      });
      if (isSlow) socket.stopReading();
      clients.push({ socket, isSlow, ear });
    }
  };
  // none is left on its way
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, connectSome));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
};

const begin = (): void => {
  counted = counting();
  for (const { ear } of clients) ear.frames = 0;
};

const earsOfGood = (): Ear[] => clients.filter(({ isSlow }) => !isSlow).map(({ ear }) => ear);

const behind = (lastVersion: number): number =>
  earsOfGood().filter(({ version }) => version !== lastVersion).length;

const hasCome = (lastVersion: number): boolean =>
  behind(lastVersion) === 0 || (counted.delaysMs.length > 0 && performance.now() - lastHeardMs > QUIET_MS);

const heard = (lastVersion: number, publishedMs: number): Heard => {
  // a server that falls behind is heard for longer than was published; how late it began does not matter here
  const perSecond = ({ frames, firstMs, lastMs }: Ear): number =>
    (frames * 1_000) / Math.max(publishedMs, lastMs - firstMs + PERIOD_MS);
  const { user, system } = process.cpuUsage(counted.cpu);
  return {
    frames: counted.delaysMs.length,
    bytes: counted.bytes,
    framesPerSecond: earsOfGood().reduce((sum, ear) => sum + perSecond(ear), 0),
    gaps: counted.gaps,
    behind: behind(lastVersion),
    delayP99Ms: percentileOf(counted.delaysMs, 0.99),
    cpuSeconds: (user + system) / 1e6,
  };
};

const closeAll = (): void => {
  for (const { socket } of clients) socket.close();
  clients = [];
  counted = counting();
};

answerQuestions((message: ToClients) => {
  if (message === "begin") return begin();
  if (message === "close") return closeAll();
  if ("hasCome" in message) return hasCome(message.hasCome);
  if ("connect" in message) return connectAll(message.connect, message.url, message.areSlow);
  return heard(message.heardOf, message.publishedMs);
});
