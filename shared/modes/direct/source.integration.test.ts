import { onTestFinished, test, vi } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import { silent, until } from "../../../test/fresh.ts";
import { HOUR_MS } from "../../domain/time.ts";
import { loadSettings } from "../../runtime/config.ts";
import { type DirectSettings, directKnobs } from "./mode.ts";
import { openDirectSource } from "./source.ts";

test("continues to tick after the clock that scheduled the ticks was an hour ahead", async () => {
  const server = await startRedis({ name: "redis-board", role: "board" });
  onTestFinished(() => server.stop());
  const settings = loadSettings(directKnobs, {
    DATABASE_URL: "postgres://unused@127.0.0.1/none",
    BOARD_REDIS_URL: server.url,
    V1_TICK_MS: "100",
  }) as DirectSettings;
  const source = openDirectSource(settings, silent);
  const stopping = new AbortController();
  let ticks = 0;
  let offsetMs = HOUR_MS;
  const realNow = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + offsetMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const running = source.run(async () => void ticks++, stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
    await source.close();
  });
  await until("it ticks by the wrong clock", () => ticks >= 3);
  offsetMs = 0;
  const wanted = ticks + 3;
  // the schedule is rewritten every 5 s
  await until("it ticks by the right clock", () => ticks > wanted);
});
