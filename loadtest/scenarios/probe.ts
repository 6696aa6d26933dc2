/** Freshness where users are (lib/probing.ts), by one virtual user: k6 sees one iteration. */
import http from "k6/http";
import { setTimeout } from "k6/timers";
import { arrival, nowMs } from "../lib/clock.ts";
import * as figures from "../lib/metrics.ts";
import { sendProbes } from "../lib/probing.ts";
import { anyDrink, settings } from "../lib/run.ts";
import { settle } from "./account.ts";
import { openLive } from "./live.ts";

const timeout = `${settings.replyWithinSeconds}s`;

export const probe = (): void => {
  const { planned, plannedMs: startMs } = arrival();
  const world = {
    ...{ settings, drink: anyDrink, figures, settle, nowMs, open: openLive },
    log: (line: string) => console.log(line),
    after: (ms: number, act: () => void) => void setTimeout(act, ms),
    post: async (path: string, body: string, key: string) => {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
      const url = settings.baseUrl + path;
      const response = await http.asyncRequest("POST", url, body, { headers, timeout });
      return { status: response.status, body: String(response.body ?? ""), isReplay: false };
    },
  };
  void sendProbes(world, planned, startMs);
};
