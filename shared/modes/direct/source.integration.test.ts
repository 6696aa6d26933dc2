/** When v1 counts: whatever a worker's clock once said. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { silent, until } from "../../../test/fresh.ts";
import { HOUR_MS } from "../../domain/time.ts";
import { loadSettings } from "../../runtime/config.ts";
import { type DirectSettings, directKnobs } from "./mode.ts";
import { openDirectSource } from "./source.ts";

/** Written again every 5 s, and a tick after that. */
const TICKS_AGAIN_MS = 12_000;

let server: Server;
beforeAll(async () => {
  server = await startRedis({ name: "redis-board", role: "board" });
});
afterAll(() => server.stop());
afterEach(() => void vi.restoreAllMocks());

test("ticks go on when the clock that set them was an hour ahead and is right again", async () => {
  const settings = loadSettings(directKnobs, {
    DATABASE_URL: "postgres://nobody@127.0.0.1/none",
    BOARD_REDIS_URL: server.url,
    V1_TICK_MS: "100",
  }) as DirectSettings;
  const source = openDirectSource(settings, silent);
  const stopping = new AbortController();
  let ticks = 0;
  const count = async (): Promise<void> => void ticks++;
  let offsetMs = HOUR_MS;
  const rightNow = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => rightNow() + offsetMs);
  const running = source.run(count, stopping.signal);
  try {
    await until("it ticks by the wrong clock", () => ticks >= 3);
    offsetMs = 0;
    const wanted = ticks + 3;
    await vi.waitFor(() => expect(ticks).toBeGreaterThan(wanted), TICKS_AGAIN_MS);
  } finally {
    stopping.abort();
    await running;
    await source.close();
  }
}, 30_000);
