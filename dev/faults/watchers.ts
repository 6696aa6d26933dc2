/** Dashboards: what they show while things break. */
import { WebSocket } from "ws";
import { type Follower, followDashboard } from "#shared/client/follow.ts";
import type { Dashboard } from "#shared/domain/dashboard.ts";

export type Watchers = {
  /** Each change of a dashboard's count of this mode: when (performance.now()) and what. */
  readonly seen: readonly (readonly [atMs: number, orders: number])[];
  /** What must never happen and did, in sentences. */
  readonly problems: readonly string[];
  /** As the client of `coffee-rt.v1` shows it now; null before the first. */
  shown(): Dashboard | null;
  /** The last frame of a plain client. */
  plain(): Dashboard | null;
  close(): void;
};

const RECONNECT_MS = 200;

export const openWatchers = (url: string, mode: string): Watchers => {
  const seen: [number, number][] = [];
  const problems: string[] = [];
  const check = orderly("a client of coffee-rt.v1", problems);
  const follower: Follower = followDashboard({
    url,
    mode,
    onState: (dashboard) => {
      check(dashboard);
      const orders = dashboard.modes[mode]?.orders ?? 0;
      if (orders !== seen.at(-1)?.[1]) seen.push([performance.now(), orders]);
    },
  });
  const address = `${url.replace("http", "ws")}/ws/dashboard?mode=${mode}`;
  const plain = watchSocket<Dashboard>("a plain socket", address, [], problems);
  // the follower above leaves out what would go back; here everything that is sent counts
  const frames = watchSocket<Position>("a socket of coffee-rt.v1", address, ["coffee-rt.v1"], problems);
  const close = (): void => {
    follower.close();
    plain.close();
    frames.close();
  };
  return { seen, problems, shown: follower.state, plain: plain.last, close };
};

type Position = { readonly epoch: number; readonly version: number };

/** Whatever comes on a socket, and a new connection when one ends. */
const watchSocket = <Message extends Position>(
  who: string,
  url: string,
  protocols: readonly string[],
  problems: string[],
) => {
  let socket: WebSocket | undefined;
  let last: Message | null = null;
  let isClosed = false;
  const connect = (): void => {
    if (isClosed) return;
    // another process may have an older picture; on one socket nothing goes back
    const check = orderly(who, problems);
    socket = new WebSocket(url, [...protocols]);
    socket.on("message", (data) => {
      last = JSON.parse(String(data)) as Message;
      check(last);
    });
    // the close that follows connects again
    socket.on("error", () => undefined);
    socket.on("close", () => setTimeout(connect, RECONNECT_MS));
  };
  connect();
  return {
    last: () => last,
    close: () => {
      isClosed = true;
      socket?.terminate();
    },
  };
};

const orderly = (who: string, problems: string[]): ((shown: Position) => void) => {
  let [epoch, version] = [0, 0];
  return (shown) => {
    const isBack = shown.epoch < epoch || (shown.epoch === epoch && shown.version < version);
    if (isBack) problems.push(`${who} saw version ${shown.epoch}.${shown.version} after ${epoch}.${version}`);
    ({ epoch, version } = shown);
  };
};
