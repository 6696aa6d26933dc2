import { expect, test } from "vitest";
import type { Phase, Status } from "../../../shared/client/follow.ts";
import type { ModeFigures } from "../../../shared/domain/dashboard.ts";
import { formatsFor } from "./format.ts";
import {
  causeOf,
  chipText,
  countsText,
  healthShown,
  healthText,
  knownUntilMs,
  knowsHour,
  noticeOf,
  unhealthyAfter,
  worseOf,
} from "./status-text.ts";

const formats = formatsFor({ locale: "de-DE", timeZone: "UTC", currency: null });
const NOW_MS = Date.parse("2026-01-15T10:00:20Z");
const status = (phase: Phase, ageMs: number | null, forMs = 12_000): Status => ({
  phase,
  ageMs,
  sinceMs: NOW_MS - forMs,
  text: "",
});
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, " ");

test("always shows the age of the figures", () => {
  expect(plain(chipText(status("live", 420), formats))).toBe("Live · data 0,4 s old");
  expect(plain(chipText(status("disconnected", 12_400), formats))).toBe("Disconnected · data 12 s old");
  expect(chipText(status("connecting", null), formats)).toBe("Connecting …");
  expect(chipText(status("stale", null), formats)).toBe("Stale · no data yet");
});

test("a new choice hides no outage, and is shown when it cannot connect", () => {
  const young = status("connecting", null, 500);
  const disconnected = status("disconnected", 9_000);
  const live = status("live", 300);
  expect(worseOf(young, disconnected, NOW_MS)).toBe(disconnected);
  expect(worseOf(young, live, NOW_MS)).toBe(live);
  const old = status("connecting", null, 5_000);
  expect(worseOf(old, live, NOW_MS)).toBe(old);
  expect(worseOf(old, disconnected, NOW_MS)).toBe(disconnected);
  const stale = status("stale", 8_000);
  expect(worseOf(live, stale, NOW_MS)).toBe(stale);
  expect(worseOf(stale, disconnected, NOW_MS)).toBe(disconnected);
  const older = status("live", 900);
  expect([worseOf(live, older, NOW_MS), worseOf(older, live, NOW_MS)]).toEqual([older, older]);
});

test("an hour is known by a board of that hour, or by one that is not stale", () => {
  const hour_start = "2026-01-15T10:00:00.000Z";
  const server_timestamp = "2026-01-15T10:05:00.000Z";
  const fresh = { as_of: "2026-01-15T10:04:59.500Z", stale: false, hour_start, server_timestamp };
  const ofThisHour = { ...fresh, as_of: "2026-01-15T10:01:00.000Z", stale: true };
  const ofTheLast = { ...fresh, as_of: "2026-01-15T09:58:00.000Z", stale: true };
  const none = { ...fresh, as_of: null, stale: true };
  expect([fresh, ofThisHour, ofTheLast, none].map(knowsHour)).toEqual([true, true, false, false]);
  expect([fresh, ofTheLast, none].map(knownUntilMs)).toEqual([
    Date.parse(server_timestamp),
    Date.parse(ofTheLast.as_of),
    null,
  ]);
});

test("each problem is shown with its start; without a problem there is no banner", () => {
  const notice = (phase: Phase, ageMs: number | null, forMs?: number) =>
    noticeOf(status(phase, ageMs, forMs), NOW_MS, formats, "Because.");
  expect(notice("live", 400)).toBeNull();
  expect(notice("connecting", null, 500)).toBeNull();
  for (const phase of ["disconnected", "behind"] as const) {
    expect(notice(phase, 15_000)?.title).toContain("10:00:08");
    expect(notice(phase, 15_000)?.text).toContain("10:00:05");
  }
  expect(notice("connecting", null)?.title).toContain("10:00:08");
  // by the time of the data, which is earlier than the phase
  expect(notice("stale", 15_000)).toMatchObject({
    title: "Nothing new since 10:00:05",
    sinceMs: NOW_MS - 15_000,
    text: expect.stringMatching(/Because\.$/),
  });
});

test("without any figures no time is shown for them", () => {
  for (const phase of ["stale", "disconnected", "behind", "connecting"] as const) {
    const text = JSON.stringify(noticeOf(status(phase, null), NOW_MS, formats, ""));
    expect(text).not.toMatch(/(of|from) [:.,]|undefined/);
  }
  expect(noticeOf(status("stale", null), NOW_MS, formats, "")?.title).toBe("No figures yet");
});

const figures = (health: ModeFigures["health"]): ModeFigures => ({
  orders: 0,
  rate: 0,
  lag: 0,
  oldest_pending_ms: 0,
  freshness_ms: null,
  health,
});

test("a mode is unhealthy since the first report of its current health", () => {
  const first = unhealthyAfter({}, { v1: figures("ok"), v2: figures("unavailable") }, 1_000);
  expect(first).toEqual({ v2: { health: "unavailable", sinceMs: 1_000 } });
  const second = unhealthyAfter(first, { v1: figures("lagging"), v2: figures("unavailable") }, 2_000);
  expect(second).toEqual({
    v1: { health: "lagging", sinceMs: 2_000 },
    v2: { health: "unavailable", sinceMs: 1_000 },
  });
  expect(unhealthyAfter(second, { v1: figures("lagging"), v2: figures("unavailable") }, 3_000)).toBe(second);
  // unavailable since then, not since it began to lag
  const third = unhealthyAfter(second, { v1: figures("unavailable"), v2: figures("unavailable") }, 4_000);
  expect(third["v1"]).toEqual({ health: "unavailable", sinceMs: 4_000 });
  expect(unhealthyAfter(third, { v1: figures("ok"), v2: figures("ok") }, 5_000)).toEqual({});
  expect(healthText("unavailable", NOW_MS, formats)).toBe("Does not answer since 10:00:20");
  expect(healthText("ok", undefined, formats)).toBe("Accepts orders");
});

test("the health of a mode is unknown while the server is not connected", () => {
  const shown = (["live", "stale", "behind", "disconnected"] as const).map((phase) =>
    healthShown("ok", status(phase, 100)),
  );
  expect(shown).toEqual(["ok", "ok", "unknown", "unknown"]);
  expect(healthText("unknown", 5, formats)).toBe("Unknown");
});

test("a mode that accepts orders also shows that no worker counts them", () => {
  const as_of = "2026-01-15T10:00:05.000Z";
  expect(countsText({ as_of, stale: false }, formats)).toBe("");
  expect(countsText({ as_of, stale: true }, formats)).toBe("; no counts since 10:00:05");
  expect(countsText({ as_of: null, stale: true }, formats)).toBe("; no counts yet");
});

test("the cause names the unavailable servers; if all are available, no worker publishes", () => {
  const causeWith = (postgresql: string, board_redis: string): string =>
    causeOf({ servers: { postgresql, board_redis } });
  expect(causeWith("away", "ok")).toBe("It reports that PostgreSQL does not answer.");
  expect(causeWith("ok", "away")).toBe("It reports that the board's Redis does not answer.");
  expect(causeWith("away", "away")).toBe("It reports that PostgreSQL and the board's Redis do not answer.");
  expect(causeWith("ok", "ok")).toContain("no worker publishes");
  expect(causeOf({})).toBe("");
});
