/**
 * What stands before the data of a live frame. A thousand watchers need no more, and parsing whole frames would cost
 * the generator more than all the rest.
 */
export type FrameHead = {
  readonly type: string;
  readonly seq: number;
  /** Only in a delta. */
  readonly previous: number | null;
  /** When the shown figures were true, by the database's clock; null before the first board. */
  readonly asOfMs: number | null;
};

/** The longest head is about 180 characters. */
const HEAD_CHARACTERS = 400;
const HEAD =
  /^\{"type":"(\w+)","seq":(\d+),"epoch":-?\d+,"version":-?\d+,"as_of":(?:"([^"]+)"|null)(?:,"previous":(\d+))?/;

/** Null for what is no frame of `coffee-rt.v1` as services/order-api/fanout/frames.ts writes it. */
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

/** How a watcher goes on: a delta that does not follow the last frame is a gap, and a snapshot begins anew. */
export const followed = (held: number | null, head: FrameHead): { held: number | null; isGap: boolean } => {
  if (head.type === "snapshot") return { held: head.seq, isGap: false };
  if (held === null || head.type !== "delta" || head.seq <= held) return { held, isGap: false };
  if (head.previous !== held) return { held: null, isGap: true };
  return { held: head.seq, isGap: false };
};
