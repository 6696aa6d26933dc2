import { withNewOrders } from "#shared/client/reduce.ts";
import type { Dashboard, DashboardOrder } from "#shared/domain/dashboard.ts";

export type FrameKind = "snapshot" | "delta" | "heartbeat";
export type Frame = { readonly kind: FrameKind; readonly data: Buffer };

/** The frames of one filter, each made once, whoever it is sent to. */
export type Frames = {
  /**
   * The frame that leads from what was told last to this dashboard; null when nothing is worth one. Rates and ages
   * alone are worth one only `withDrift`.
   */
  next(dashboard: Dashboard, withDrift: boolean): Frame | null;
  /** What was told last, whole. Not before the first `next`, nor is the heartbeat. */
  snapshot(): Frame;
  heartbeat(): Frame;
};

/** They move with every look; each frame carries them, none is sent for them: the heartbeat tells of time. */
const CLOCKS: ReadonlySet<string> = new Set(["server_timestamp", "as_of"]);
/** Rates and ages fall by themselves: useful on a live page, but one frame a second is enough for them alone. */
const DRIFTING: ReadonlySet<string> = new Set(["rate", "modes"]);

type Texts = ReadonlyMap<string, string>;

/** `onMade` is called for each frame that is put into bytes. */
export const openFrames = (onMade: (kind: FrameKind) => void): Frames => {
  let seq = 0;
  let told: Dashboard | null = null;
  let texts: Texts = new Map();
  let snapshot: Frame | null = null;

  const made = (kind: FrameKind, more: string): Frame => {
    onMade(kind);
    const { epoch = 0, version = 0, as_of = null } = told ?? {};
    const position = JSON.stringify({ type: kind, seq, epoch, version, as_of }).slice(0, -1);
    return { kind, data: Buffer.from(`${position},${more}}`) };
  };
  const wholeFrame = (): Frame => {
    snapshot ??= made("snapshot", `"data":${objectOf(texts)}`);
    return snapshot;
  };
  /** The clocks of what was told move on, without a frame. */
  const tellClocks = (dashboard: Dashboard, now: Texts): void => {
    texts = new Map(
      [...texts].map(([name, text]) => [name, CLOCKS.has(name) ? (now.get(name) ?? text) : text]),
    );
    told = told && { ...told, server_timestamp: dashboard.server_timestamp, as_of: dashboard.as_of };
  };

  const next = (dashboard: Dashboard, withDrift: boolean): Frame | null => {
    const now: Texts = new Map(
      Object.entries(dashboard).map(([name, value]) => [name, JSON.stringify(value)]),
    );
    const changed = [...now].filter(([name, text]) => text !== texts.get(name));
    snapshot = null;
    if (!changed.some(([name]) => !CLOCKS.has(name) && (withDrift || !DRIFTING.has(name)))) {
      tellClocks(dashboard, now);
      return null;
    }
    const before = told;
    const newOnes = before && newOrders(dashboard.recent_orders, before.recent_orders);
    [told, texts] = [dashboard, now];
    seq++;
    if (before === null || newOnes === null) return wholeFrame();
    const members = new Map(changed);
    if (members.has("recent_orders")) members.set("recent_orders", JSON.stringify(newOnes));
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
 * What makes the old list the new one when it is put before it: down to the lowest order that is new, because a mode
 * that counts later has its orders amid the others'. Null when orders went away, which no delta can say.
 */
const newOrders = (
  now: readonly DashboardOrder[],
  before: readonly DashboardOrder[],
): readonly DashboardOrder[] | null => {
  const known = new Set(before.map((order) => order.id));
  const newOnes = now.slice(0, now.findLastIndex((order) => !known.has(order.id)) + 1);
  return isSame(withNewOrders(newOnes, before), now) ? newOnes : null;
};

const isSame = (a: readonly DashboardOrder[], b: readonly DashboardOrder[]): boolean =>
  a.length === b.length && a.every((order, index) => order.id === b[index]?.id);
