import { afterAll, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { temporaryFolder } from "./launcher.ts";
import { openPrograms } from "./programs.ts";

const closers = openClosers();
afterAll(() => closers.closeAll());

test("does not restart a program with a wrong setting, and reports it at once", async () => {
  const lines: string[] = [];
  const programs = openPrograms({
    addresses: () => ({
      DATABASE_URL: "postgres://127.0.0.1:1/none",
      BOARD_REDIS_URL: "redis://127.0.0.1:1",
    }),
    env: { MAX_LAG_ORDERS: "abc", V1_ENABLED: "true" },
    folder: temporaryFolder("coffee-rt-programs-", closers),
    closers,
    onLine: (line) => lines.push(line),
  });
  const api = await programs.startApi();
  await expect(api.ready()).rejects.toThrow("order-api did not start: wrong setting");
  expect(api.pid()).toBeUndefined();
  expect(lines.filter((line) => line.includes("MAX_LAG_ORDERS"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("restarting"))).toEqual([]);
});
