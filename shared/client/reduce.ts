/**
 * The state of a client of `coffee-rt.v1`, frame by frame: pure, so that any order of frames can be tested.
 *
 * The state never goes back to a lower (epoch, version), whichever API process sends it: after a reconnect another
 * process may be a moment behind. A higher epoch always wins. If a server stays behind, the client keeps its state and
 * sets `behind`, for an operator to investigate. Restart the client if epoch and version went down for good (the
 * database was recreated).
 */
import type { RECENT_ORDERS } from "../domain/board.ts";
import type {
  Dashboard,
  DashboardOrder,
  LiveDelta,
  LiveFrame,
  LiveHeartbeat,
  LivePosition,
  LiveSnapshot,
} from "../domain/dashboard.ts";

export type Held = {
  readonly dashboard: Dashboard | null;
  /** Of the state that is held; null while a snapshot is waited for. */
  readonly seq: number | null;
  /** The server shows less than is held. */
  readonly behind: boolean;
  /** When the data was true, by the client's clock; null while that is unknown. */
  readonly dataFromMs: number | null;
};

/** `ask`: a snapshot is needed. It is true for each frame that needs one; the caller limits the requests. */
export type Taken = { readonly held: Held; readonly ask: boolean };

export const NOTHING_HELD: Held = { dashboard: null, seq: null, behind: false, dataFromMs: null };

/** A new connection starts a new sequence. */
export const afterReconnect = (held: Held): Held => ({ ...held, seq: null });

/** `atMs` is the client's clock when the frame came. */
export const take = (held: Held, frame: LiveFrame, atMs: number): Taken => {
  switch (frame.type) {
    case "snapshot":
      return takeSnapshot(held, frame, atMs);
    case "delta":
      return takeDelta(held, frame, atMs);
    case "heartbeat":
      return takeHeartbeat(held, frame, atMs);
    default:
      // a kind of frame that a later server adds
      return { held, ask: false };
  }
};

/** The new orders before those held, each once, as many as the board has. */
export const withNewOrders = (
  newOnes: readonly DashboardOrder[],
  held: readonly DashboardOrder[],
): DashboardOrder[] => {
  const ids = new Set(newOnes.map((order) => order.id));
  return [...newOnes, ...held.filter((order) => !ids.has(order.id))].slice(0, MAX_ORDERS);
};

/** The domain's own number; only its type is imported, so that a browser loads this folder alone. */
const MAX_ORDERS: typeof RECENT_ORDERS = 50;

const takeSnapshot = (held: Held, frame: LiveSnapshot, atMs: number): Taken => {
  if (isBelow(frame, held)) return fallenBehind(held);
  const { data, seq } = frame;
  const dataFromMs = trueFrom(frame.as_of, data.server_timestamp, atMs);
  return { held: { dashboard: data, seq, behind: false, dataFromMs }, ask: false };
};

const takeDelta = (held: Held, frame: LiveDelta, atMs: number): Taken => {
  if (held.dashboard === null || held.seq === null) return waitingFor(held, frame);
  if (frame.seq <= held.seq) return { held, ask: false };
  if (frame.previous !== held.seq) return { held: { ...held, seq: null }, ask: true };
  if (isBelow(frame, held)) return fallenBehind(held);
  const { recent_orders: newOnes = [], ...members } = frame.data;
  const dashboard = { ...held.dashboard, ...members };
  dashboard.recent_orders = withNewOrders(newOnes, held.dashboard.recent_orders);
  const dataFromMs = trueFrom(frame.as_of, dashboard.server_timestamp, atMs);
  return { held: { dashboard, seq: frame.seq, behind: false, dataFromMs }, ask: false };
};

const takeHeartbeat = (held: Held, frame: LiveHeartbeat, atMs: number): Taken => {
  if (held.dashboard === null || held.seq === null) return waitingFor(held, frame);
  if (frame.seq > held.seq) return { held: { ...held, seq: null }, ask: true };
  if (frame.seq < held.seq) return { held, ask: false };
  const dataFromMs = trueFrom(frame.as_of, frame.server_timestamp, atMs);
  return { held: { ...held, dataFromMs }, ask: false };
};

/** Requests a snapshot once, and then when a frame shows that the server has caught up: not in a loop. */
const fallenBehind = (held: Held): Taken => ({
  held: { ...held, seq: null, behind: true },
  ask: !held.behind,
});

const waitingFor = (held: Held, frame: LivePosition): Taken => {
  const behind = isBelow(frame, held);
  return { held: { ...held, behind }, ask: !behind };
};

const isBelow = (frame: LivePosition, { dashboard }: Held): boolean =>
  dashboard !== null &&
  (frame.epoch < dashboard.epoch || (frame.epoch === dashboard.epoch && frame.version < dashboard.version));

/** Computed from the age by the server's clocks, so that a client with a wrong clock is right too. */
const trueFrom = (asOf: string | null, serverTime: string, atMs: number): number | null =>
  asOf === null ? null : atMs - Math.max(0, Date.parse(serverTime) - Date.parse(asOf));
