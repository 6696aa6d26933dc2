import { withNewOrders } from "#shared/client/reduce.ts";
import type { Dashboard, DashboardOrder } from "#shared/domain/dashboard.ts";

export type FrameKind = "snapshot" | "delta" | "heartbeat";
export type Frame = { readonly kind: FrameKind; readonly data: Buffer };

/** The frames of one filter, each made once for all its clients. */
export type Frames = {
  /**
   * The frame that leads from the last dashboard to this one; null when no change is worth a frame. Rates and ages alone
   * are worth one only `withDrift`.
   */
  next(dashboard: Dashboard, withDrift: boolean): Frame | null;
  /** The last dashboard, whole. Only after the first `next`, as is the heartbeat. */
  snapshot(): Frame;
  heartbeat(): Frame;
};

/** They change with every reading; each frame carries them, none is sent for them: the heartbeat has the time. */
const CLOCKS: ReadonlySet<string> = new Set(["server_timestamp", "as_of"]);
/** Rates and ages fall by themselves: useful on a live page, but one frame a second is enough for them alone. */
const DRIFTING: ReadonlySet<string> = new Set(["rate", "modes"]);

type Texts = ReadonlyMap<string, string>;

/** `onMade` is called for each frame that is serialised. */
export const openFrames = (onMade: (kind: FrameKind) => void): Frames => {
  let seq = 0;
  let last: Dashboard | null = null;
  let texts: Texts = new Map();
  let snapshot: Frame | null = null;

  const made = (kind: FrameKind, more: string): Frame => {
    onMade(kind);
    const { epoch = 0, version = 0, as_of = null } = last ?? {};
    const position = JSON.stringify({ type: kind, seq, epoch, version, as_of }).slice(0, -1);
    return { kind, data: Buffer.from(`${position},${more}}`) };
  };
  const wholeFrame = (): Frame => {
    snapshot ??= made("snapshot", `"data":${objectOf(texts)}`);
    return snapshot;
  };
  /** Moves the clocks of the last dashboard, without a frame. */
  const moveClocks = (dashboard: Dashboard, now: Texts): void => {
    texts = new Map(
      [...texts].map(([name, text]) => [name, CLOCKS.has(name) ? (now.get(name) ?? text) : text]),
    );
    last = last && { ...last, server_timestamp: dashboard.server_timestamp, as_of: dashboard.as_of };
  };

  const next = (dashboard: Dashboard, withDrift: boolean): Frame | null => {
    const now: Texts = new Map(
      Object.entries(dashboard).map(([name, value]) => [name, JSON.stringify(value)]),
    );
    const changed = [...now].filter(([name, text]) => text !== texts.get(name));
    snapshot = null;
    if (!changed.some(([name]) => !CLOCKS.has(name) && (withDrift || !DRIFTING.has(name)))) {
      moveClocks(dashboard, now);
      return null;
    }
    const before = last;
    const added = before && newOrders(dashboard.recent_orders, before.recent_orders);
    [last, texts] = [dashboard, now];
    seq++;
    if (before === null || added === null) return wholeFrame();
    const members = new Map(changed);
    if (members.has("recent_orders")) members.set("recent_orders", JSON.stringify(added));
    for (const name of CLOCKS) members.set(name, now.get(name) ?? "null");
    return made("delta", `"previous":${seq - 1},"data":${objectOf(members)}`);
  };
  const heartbeat = (): Frame =>
    made("heartbeat", `"server_timestamp":${texts.get("server_timestamp") ?? "null"}`);
  return { next, snapshot: wholeFrame, heartbeat };
};

const objectOf = (members: Texts): string =>
  `{${[...members].map(([name, text]) => `"${name}":${text}`).join(",")}}`;

/**
 * What makes the old list the new one when it is put before it: down to the lowest order that is new, because the orders
 * of a mode that counts later are between the others'. Null when orders were removed, which no delta can express.
 */
const newOrders = (
  now: readonly DashboardOrder[],
  before: readonly DashboardOrder[],
): readonly DashboardOrder[] | null => {
  const known = new Set(before.map((order) => order.id));
  const added = now.slice(0, now.findLastIndex((order) => !known.has(order.id)) + 1);
  return isSame(withNewOrders(added, before), now) ? added : null;
};

const isSame = (a: readonly DashboardOrder[], b: readonly DashboardOrder[]): boolean =>
  a.length === b.length && a.every((order, index) => order.id === b[index]?.id);
