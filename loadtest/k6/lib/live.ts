/**
 * The dashboard's WebSocket as the generators read it: only the head of a frame and the counts of the hour's stores. Parsing
 * whole frames, ten a second with the fifty recent orders in each, would take more of the generator's time than all
 * requests, and requests would leave late.
 */

export const LIVE_PROTOCOL = "coffee-rt.v1";
export const RESYNC = '{"type":"resync"}';

/** Headers of a request to an API that requires a token. */
export const authorizationOf = (token: string | null): { Authorization?: string } =>
  token === null ? {} : { Authorization: `Bearer ${token}` };

/** The lab's routes other than v1, v2, … have no dashboard of their own. */
export const filterOf = (mode: string): string => (/^v\d+$/.test(mode) ? `?mode=${mode}` : "");

export const liveUrl = (baseUrl: string, mode: string): string =>
  `${baseUrl.replace(/^http/, "ws")}/ws/dashboard${filterOf(mode)}`;

/** Each generator has its own WebSocket implementation. */
export type OpenLive = (url: string, handlers: LiveHandlers) => Live;

export type LiveHandlers = {
  onText(text: string): void;
  onOpen(): void;
  /** Called once, for any reason. */
  onEnd(): void;
};

export type Live = { send(text: string): void; close(): void };

/** What precedes the data of a frame. */
export type FrameHead = {
  readonly type: string;
  readonly seq: number;
  /** Only in a delta. */
  readonly previous: number | null;
  /** When the shown figures were true, by the database's clock; null before the first board. */
  readonly asOfMs: number | null;
};

/** The longest head has about 180 characters. */
const HEAD_CHARACTERS = 400;
const HEAD =
  /^\{"type":"(\w+)","seq":(\d+),"epoch":-?\d+,"version":-?\d+,"as_of":(?:"([^"]+)"|null)(?:,"previous":(\d+))?/;

/** Null for a text that is no frame of `coffee-rt.v1` as services/order-api/fanout/frames.ts writes it. */
export const headOf = (frame: string): FrameHead | null => {
  const match = HEAD.exec(frame.slice(0, HEAD_CHARACTERS));
  if (match === null) return null;
  const [, type = "", seq, asOf, previous] = match;
  return {
    type,
    seq: Number(seq),
    previous: previous === undefined ? null : Number(previous),
    asOfMs: asOf === undefined ? null : Date.parse(asOf),
  };
};

/** The frame that a client has after this one: a delta that does not follow the last frame is a gap, a snapshot restarts. */
export const followed = (held: number | null, head: FrameHead): { held: number | null; isGap: boolean } => {
  if (head.type === "snapshot") return { held: head.seq, isGap: false };
  if (held === null || head.type !== "delta" || head.seq <= held) return { held, isGap: false };
  if (head.previous !== held) return { held: null, isGap: true };
  return { held: head.seq, isGap: false };
};

/** The orders of the current hour by store, followed frame by frame. */
export type StoreCounts = {
  /** A new connection starts a new chain of frames. */
  reconnected(): void;
  /** `shown` when the frame had something new; `ask` for a snapshot when a frame is missing. */
  take(frame: string): { readonly shown: Shown | null; readonly ask: boolean };
};
export type Shown = { readonly hour: string; readonly orders: ReadonlyMap<string, number> };

type Sold = { readonly store: string; readonly orders: number };
type Members = { readonly hour_start?: string; readonly hour_stores?: readonly Sold[] };

const NOTHING = { shown: null, ask: false };

export const openStoreCounts = (stores: readonly string[]): StoreCounts => {
  const wanted = new Set(stores);
  let seq: number | null = null;
  let shown: Shown | null = null;
  return {
    reconnected: () => {
      seq = null;
    },
    take: (frame) => {
      const head = headOf(frame);
      if (head === null) return NOTHING;
      const next = followed(seq, head);
      const isNew = next.held !== null && (head.type === "snapshot" || next.held !== seq);
      seq = next.held;
      if (!isNew) return { shown: null, ask: next.isGap };
      const { hour_start: hour, hour_stores: sold } = membersOf(frame);
      shown = {
        hour: hour ?? shown?.hour ?? "",
        orders: sold ? countsOf(sold.filter(({ store }) => wanted.has(store))) : (shown?.orders ?? new Map()),
      };
      return { shown, ask: false };
    },
  };
};

const countsOf = (sold: readonly Sold[]): Map<string, number> =>
  new Map(sold.map(({ store, orders }) => [store, orders]));

const HOUR = '"hour_start":"';
const STORES = '"hour_stores":';

/** JSON escapes quotes in strings, so a match is always a member. */
const membersOf = (frame: string): Members => {
  const hourAt = frame.indexOf(HOUR);
  const storesAt = frame.indexOf(STORES);
  const hour = hourAt < 0 ? null : textAt(frame, hourAt + HOUR.length);
  const sold = storesAt < 0 ? null : listAt(frame, storesAt + STORES.length);
  if (sold === undefined) return (JSON.parse(frame) as { data: Members }).data;
  return { ...(hour !== null && { hour_start: hour }), ...(sold && { hour_stores: sold }) };
};

const textAt = (frame: string, from: number): string => frame.slice(from, frame.indexOf('"', from));

/** Undefined where the first bracket does not end the list: a store's name contains one. */
const listAt = (frame: string, from: number): readonly Sold[] | undefined => {
  try {
    return JSON.parse(frame.slice(from, frame.indexOf("]", from) + 1)) as Sold[];
  } catch {
    return undefined;
  }
};
