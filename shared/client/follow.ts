/**
 * Follows a dashboard over `/ws/dashboard` with the protocol `coffee-rt.v1`, for browsers and Node >= 22:
 *
 *     const follower = followDashboard({
 *       url: "http://127.0.0.1:8005",
 *       onState: (dashboard) => draw(dashboard),
 *       onStatus: ({ text }) => show(text),
 *     });
 *
 * It reconnects, requests what it missed, and never shows a lower (epoch, version) than before.
 */
import type { Dashboard, LiveFrame } from "../domain/dashboard.ts";
import { openConnection } from "./connection.ts";
import { afterReconnect, NOTHING_HELD, take } from "./reduce.ts";

export type FollowOptions = {
  /** Where the API is, as http://127.0.0.1:8005; a path before the API's own is kept. */
  readonly url: string;
  /** One mode's dashboard; all of them when absent. A server without that mode refuses the connection each time. */
  readonly mode?: string;
  /** Where the API requires one: a token that may read. */
  readonly token?: string;
  /** Called with each new dashboard, a new object that is never changed afterwards. */
  readonly onState?: (dashboard: Dashboard) => void;
  /** Called when the phase changes, and every second, because the data's age grows. */
  readonly onStatus?: (status: Status) => void;
};

export type Follower = {
  /** The dashboard as last heard; null before the first. */
  state(): Dashboard | null;
  status(): Status;
  /** Ends it for good, without another call to the caller. */
  close(): void;
};

const TELL_EVERY_MS = 1_000;
/** As often as the server answers. */
const ASK_EVERY_MS = 1_000;

export const followDashboard = (options: FollowOptions): Follower => {
  const { onState, onStatus } = options;
  let held = NOTHING_HELD;
  let isClosed = false;
  let phase: Phase = "connecting";
  let sinceMs = Date.now();
  let askedAtMs = 0;

  const status = (): Status => statusOf(phase, sinceMs, held.dataFromMs, Date.now());
  const phaseNow = (): Phase => {
    if (isClosed) return "closed";
    if (held.dashboard === null) return "connecting";
    if (!connection.isUp()) return "disconnected";
    if (held.behind) return "behind";
    return held.dashboard.stale || isOld(status().ageMs) ? "stale" : "live";
  };
  /** True when the phase is another one. */
  const moved = (): boolean => {
    const next = phaseNow();
    if (next === phase) return false;
    [phase, sinceMs] = [next, Date.now()];
    return true;
  };
  const hear = (frame: LiveFrame): void => {
    const shown = held.dashboard;
    const nowMs = Date.now();
    const taken = take(held, frame, nowMs);
    held = taken.held;
    if (taken.ask && nowMs - askedAtMs >= ASK_EVERY_MS) {
      askedAtMs = nowMs;
      connection.send({ type: "resync" });
    }
    const hasMoved = moved();
    if (held.dashboard !== null && held.dashboard !== shown) onState?.(held.dashboard);
    if (hasMoved && !isClosed) onStatus?.(status());
  };
  const connection = openConnection(socketUrl(options), options.token ?? null, {
    onUp: () => {
      held = afterReconnect(held);
    },
    onFrame: hear,
    onDown: () => {
      if (moved()) onStatus?.(status());
    },
  });
  const watching = setInterval(() => {
    moved();
    onStatus?.(status());
  }, TELL_EVERY_MS);
  return {
    state: () => held.dashboard,
    status: () => {
      moved();
      return status();
    },
    close: () => {
      isClosed = true;
      clearInterval(watching);
      connection.close();
    },
  };
};

const socketUrl = ({ url, mode }: FollowOptions): string => {
  const target = new URL(url);
  target.protocol = target.protocol.replace("http", "ws");
  target.pathname = `${target.pathname.replace(/\/$/, "")}/ws/dashboard`;
  if (mode !== undefined) target.searchParams.set("mode", mode);
  return target.href;
};

/** What a page reports about the data it shows. */
export type Status = {
  /**
   * `connecting` until the first dashboard; `live`; `stale`: connected, and the data is old, because no worker publishes;
   * `behind`: connected to a server whose state is older than the one shown, which is kept; `disconnected`:
   * reconnecting; `closed` by the caller.
   */
  readonly phase: Phase;
  /** When the phase began, by the client's clock; milliseconds since 1970. */
  readonly sinceMs: number;
  /** How old the data is; null without data. */
  readonly ageMs: number | null;
  /** In words, as `live, data 0.4 s old`. */
  readonly text: string;
};

export type Phase = "connecting" | "live" | "stale" | "behind" | "disconnected" | "closed";

/** The server's own limit: a board is read at least every second, so at this age no worker publishes. */
const STALE_AFTER_MS = 5_000;

const isOld = (ageMs: number | null): boolean => ageMs !== null && ageMs > STALE_AFTER_MS;

export const statusOf = (phase: Phase, sinceMs: number, dataFromMs: number | null, nowMs: number): Status => {
  const ageMs = dataFromMs === null ? null : Math.max(0, nowMs - dataFromMs);
  const words: Record<Phase, string> = {
    connecting: "connecting",
    live: "live",
    stale: "stale",
    behind: "the server is behind what is shown",
    disconnected: `disconnected for ${seconds(nowMs - sinceMs)}`,
    closed: "closed",
  };
  const age = ageMs === null ? "" : `, data ${seconds(ageMs)} old`;
  return { phase, sinceMs, ageMs, text: words[phase] + age };
};

const seconds = (ms: number): string =>
  ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
