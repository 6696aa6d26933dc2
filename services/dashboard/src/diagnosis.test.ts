import { expect, test } from "vitest";
import { causeOf } from "./diagnosis.ts";

test("the servers that do not answer are named; all answering, nobody publishes", () => {
  const told = (postgresql: string, board_redis: string): string =>
    causeOf({ servers: { postgresql, board_redis } });
  expect(told("away", "ok")).toBe("It says that PostgreSQL does not answer.");
  expect(told("ok", "away")).toBe("It says that the board's Redis does not answer.");
  expect(told("away", "away")).toBe("It says that PostgreSQL and the board's Redis do not answer.");
  expect(told("ok", "ok")).toContain("no worker publishes");
  expect(causeOf({})).toBe("");
});
