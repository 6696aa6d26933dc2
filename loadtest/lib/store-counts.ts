/**
 * What each store sold this hour, followed frame by frame. Of a frame only that member is parsed: at ten frames a second
 * the fifty recent orders would take more of the generator's time than all the requests, and make them leave late.
 */
import { followed, headOf } from "./frame-head.ts";

export type StoreCounts = {
  /** A new connection begins a new chain. */
  reconnected(): void;
  /** `shown` when the frame told something new; `ask` for a snapshot when one is missing. */
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
      const isNews = next.held !== null && (head.type === "snapshot" || next.held !== seq);
      seq = next.held;
      if (!isNews) return { shown: null, ask: next.isGap };
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

/** In JSON a quote within a text is escaped, so what looks like a member is one. */
const membersOf = (frame: string): Members => {
  const hourAt = frame.indexOf(HOUR);
  const storesAt = frame.indexOf(STORES);
  const hour = hourAt < 0 ? null : textAt(frame, hourAt + HOUR.length);
  const sold = storesAt < 0 ? null : listAt(frame, storesAt + STORES.length);
  if (sold === undefined) return (JSON.parse(frame) as { data: Members }).data;
  return { ...(hour !== null && { hour_start: hour }), ...(sold && { hour_stores: sold }) };
};

const textAt = (frame: string, from: number): string => frame.slice(from, frame.indexOf('"', from));

/** Undefined where its first bracket does not end it: a name has one. */
const listAt = (frame: string, from: number): readonly Sold[] | undefined => {
  try {
    return JSON.parse(frame.slice(from, frame.indexOf("]", from) + 1)) as Sold[];
  } catch {
    return undefined;
  }
};
