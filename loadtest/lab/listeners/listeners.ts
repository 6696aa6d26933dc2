/** Dashboards that only listen. In thousands they would take more CPU from a usual client than what is measured. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { type ChildProcess, startChild } from "../run/child-process.ts";
import type { Run } from "../run/results.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import type { Received, ToClients } from "./clients.ts";

export type Sockets = { readonly clients: number; readonly slowShare: number };

export type ListenerFigures = {
  readonly websocket: NonNullable<Run["websocket"]>;
  readonly cpuSeconds: number;
};

export type Listeners = {
  /** From the start of the measured time to its end. */
  listen(startMs: number, seconds: number): Promise<ListenerFigures>;
  close(): Promise<void>;
};

export const startClients = (closers: Closers): ChildProcess<ToClients> =>
  startChild<ToClients>(join(import.meta.dirname, "clients.ts"), closers);

/** Connects them all; resolves when the API has accepted every one. Slow ones stop reading. */
export const connectListeners = async (
  { clients, slowShare }: Sockets,
  system: SystemUnderTest,
): Promise<Listeners> => {
  const slow = Math.round(clients * slowShare);
  checkLimits(clients);
  const api = system.api();
  if (api === null) throw new Error("there is no order API to listen to");
  const closers = openClosers();
  const url = `${system.url.replace(/^http/, "ws")}/ws/dashboard`;
  const listeners = startClients(closers);
  const alone = api.residentBytes();
  await listeners.request({ connect: slow, url, areSlow: true });
  await listeners.request({ connect: clients - slow, url, areSlow: false });
  return {
    listen: async (startMs, seconds) => {
      await sleep(Math.max(0, startMs - Date.now()));
      await listeners.request("reset figures");
      const fromMs = performance.now();
      await sleep(seconds * 1_000);
      const publishedMs = performance.now() - fromMs;
      const received = await listeners.request<Received>({ figuresUpTo: 0, publishedMs });
      return {
        websocket: {
          clients,
          slowShare,
          framesPerSecond: Math.round(received.framesPerSecond),
          delayP99: Math.round(received.delayP99Ms),
          bytesPerClient: Math.max(0, Math.round((api.residentBytes() - alone) / clients)),
        },
        cpuSeconds: received.cpuSeconds,
      };
    },
    close: async () => {
      await closers.closeAll();
    },
  };
};

/** Besides the clients' sockets. */
const OTHER_FILES = 500;

/** Throws when a process may not open so many sockets. */
export const checkLimits = (clients: number): void => {
  // Node raises the soft limit to the hard limit, also for the programs that it starts
  const limit = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const files = clients + OTHER_FILES;
  if (limit !== "unlimited" && Number(limit) < files)
    throw new Error(
      `${clients} clients need ${files} open files in a process, and ${limit} are allowed: raise the hard limit ` +
        `(ulimit -n ${files} as root; LimitNOFILE of systemd, --ulimit of docker), or leave this experiment out`,
    );
};

/** What net.ipv4.tcp_wmem lets the kernel buffer for a socket by default. */
const FULL_SOCKET_BYTES = 4_194_304;
const PAGE_BYTES = 4_096;

/** A sentence when full sockets would need more memory than the kernel grants without pressure; null when they do not. */
export const memoryPressure = (slow: number): string | null => {
  // by default a sixteenth of the machine's memory; above it the kernel limits all sockets
  const pages = Number(readFileSync("/proc/sys/net/ipv4/tcp_mem", "utf8").split(/\s+/)[1]);
  const [needed, allowed] = [slow * FULL_SOCKET_BYTES, pages * PAGE_BYTES];
  if (allowed >= needed) return null;
  return `${slow} slow clients need ${megabytes(needed)} of socket buffers; above ${megabytes(allowed)} (net.ipv4.tcp_mem) the kernel limits all sockets`;
};

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
