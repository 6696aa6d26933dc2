/**
 * Dashboards that only listen, by the light clients of the benchmark: for thousands of them k6 would take more time than
 * what it measures. Slow ones stop reading; the kernel keeps some megabytes for each before the server notices.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import type { Heard as HeardByClients, ToClients } from "../../../dev/bench/fanout/clients.ts";
import { startForked } from "../../../dev/bench/fanout/forked.ts";
import { checkLimits } from "../../../dev/bench/fanout/limits.ts";
import type { Run } from "../run/results.ts";
import type { Scene } from "../run/stage.ts";

export type Sockets = { readonly clients: number; readonly slowShare: number };

export type Heard = { readonly websocket: NonNullable<Run["websocket"]>; readonly cpuSeconds: number };

export type Crowd = {
  /** From the start of the measured time to its end. */
  listen(startMs: number, seconds: number): Promise<Heard>;
  close(): Promise<void>;
};

/** Connects them all; resolves when every one is accepted. */
export const gather = async ({ clients, slowShare }: Sockets, scene: Scene): Promise<Crowd> => {
  const slow = Math.round(clients * slowShare);
  checkLimits({ clients, slow, tell: () => undefined });
  const api = scene.api();
  if (api === null) throw new Error("there is no order API to listen to");
  const closers = openClosers();
  const url = `${scene.url.replace(/^http/, "ws")}/ws/dashboard`;
  const listeners = startForked<ToClients>("clients.ts", closers);
  const alone = api.residentBytes();
  await listeners.ask({ connect: slow, url, areSlow: true });
  await listeners.ask({ connect: clients - slow, url, areSlow: false });
  return {
    listen: async (startMs, seconds) => {
      await sleep(Math.max(0, startMs - Date.now()));
      await listeners.ask("begin");
      const begunMs = performance.now();
      await sleep(seconds * 1_000);
      const heardMs = performance.now() - begunMs;
      const heard = await listeners.ask<HeardByClients>({ heardOf: 0, publishedMs: heardMs });
      return {
        websocket: {
          clients,
          slowShare,
          framesPerSecond: Math.round(heard.framesPerSecond),
          delayP99: Math.round(heard.delayP99Ms),
          bytesPerClient: Math.max(0, Math.round((api.residentBytes() - alone) / clients)),
        },
        cpuSeconds: heard.cpuSeconds,
      };
    },
    close: () => closed(closers),
  };
};

const closed = async (closers: Closers): Promise<void> => {
  await closers.closeAll();
};
