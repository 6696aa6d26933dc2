/** Dashboards that stay connected during a fault, and what they show. */
import { WebSocket } from "ws";
import { followDashboard } from "#shared/client/follow.ts";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { Seen } from "./service-level.ts";

export type DashboardClients = {
  readonly seen: Seen;
  /** One sentence for each time that a dashboard went back to an older version. */
  readonly problems: readonly string[];
  /** What the client of `coffee-rt.v1` shows now; null before its first frame. */
  shown(): Dashboard | null;
  /** The last frame of a WebSocket without a protocol. */
  plain(): Dashboard | null;
  close(): void;
};

const RECONNECT_MS = 200;

export const openDashboardClients = (url: string, mode: string): DashboardClients => {
  const seen: [number, number][] = [];
  const problems: string[] = [];
  const check = versionCheck("a client of coffee-rt.v1", problems);
  const follower = followDashboard({
    url,
    mode,
    onState: (dashboard) => {
      check(dashboard);
      const orders = dashboard.modes[mode]?.orders ?? 0;
      if (orders !== seen.at(-1)?.[1]) seen.push([performance.now(), orders]);
    },
  });
  const address = `${url.replace("http", "ws")}/ws/dashboard?mode=${mode}`;
  const plain = watchSocket<Dashboard>("a plain WebSocket", address, [], problems);
  // the follower above ignores older frames; here everything that is sent counts
  const frames = watchSocket<Position>("a WebSocket of coffee-rt.v1", address, ["coffee-rt.v1"], problems);
  const close = (): void => {
    follower.close();
    plain.close();
    frames.close();
  };
  return { seen, problems, shown: follower.state, plain: plain.last, close };
};

type Position = { readonly epoch: number; readonly version: number };

/** Everything that arrives on a socket; opens a new one when it closes. */
const watchSocket = <Message extends Position>(
  name: string,
  url: string,
  protocols: readonly string[],
  problems: string[],
) => {
  let socket: WebSocket | undefined;
  let last: Message | null = null;
  let isClosed = false;
  const connect = (): void => {
    if (isClosed) return;
    // another process may have an older board; on one socket no version goes back
    const check = versionCheck(name, problems);
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

const versionCheck = (name: string, problems: string[]): ((shown: Position) => void) => {
  let [epoch, version] = [0, 0];
  return (shown) => {
    const isBack = shown.epoch < epoch || (shown.epoch === epoch && shown.version < version);
    if (isBack)
      problems.push(`${name} saw version ${shown.epoch}.${shown.version} after ${epoch}.${version}`);
    ({ epoch, version } = shown);
  };
};
