import { expect, test } from "vitest";
import { settingsFrom } from "./settings.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 10);

/** Property, default, variable, its text, and the value that is read from it. */
const SETTINGS = [
  ["baseUrl", "http://127.0.0.1:8005", "BASE_URL", "http://host:1/", "http://host:1"],
  ["apiToken", null, "API_TOKEN", "secret", "secret"],
  ["mode", "v1", "MODE", "v1-each", "v1-each"],
  ["profile", "baseline", "PROFILE", "constant", "constant"],
  ["seed", 1, "SEED", "7", 7],
  ["run", NOW_MS % 2 ** 32, "RUN", "4294967295", 2 ** 32 - 1],
  ["runStartMs", NOW_MS, "RUN_START_MS", String(NOW_MS - 1_000), NOW_MS - 1_000],
  ["perSecond", null, "RATE", "0.5", 0.5],
  ["seconds", null, "DURATION", "2.5", 2.5],
  ["warmUpSeconds", 0, "WARM_UP", "3", 3],
  ["ordersPerRequest", 1, "ORDERS_PER_REQUEST", "10", 10],
  ["probesPerSecond", 0, "PROBES_PER_SECOND", "2", 2],
  ["probeStores", [], "PROBE_STORES", "a, e\u0301,,a", ["a", "\u00e9"]],
  ["catalogueFile", "services/order-api/catalogue.json", "CATALOGUE", "c.json", "c.json"],
  ["summaryFile", null, "SUMMARY", "s.json", "s.json"],
  ["mostVus", 1_000, "MAX_VUS", "50", 50],
  ["watchers", null, "WATCHERS", "0", 0],
  ["hasSamples", false, "SAMPLES", "1", true],
  ["replyWithinSeconds", 10, "REPLY_WITHIN", "2.5", 2.5],
  ["waitSeconds", 0, "WAIT", "60", 60],
] as const;

test("reads every setting, and has a default for each", () => {
  const byProperty = (of: 1 | 4) => Object.fromEntries(SETTINGS.map((row) => [row[0], row[of]]));
  const environment = Object.fromEntries(SETTINGS.map(([, , variable, text]) => [variable, text]));
  expect(settingsFrom({}, NOW_MS)).toEqual(byProperty(1));
  expect(settingsFrom(environment, NOW_MS)).toEqual(byProperty(4));
});

test.each([
  ["BASE_URL", "127.0.0.1:8000", /BASE_URL is "127.0.0.1:8000": expected http:\/\/host:port/],
  ["MODE", "V2", /MODE is "V2": expected v1, v2, v3 or another/],
  ["SEED", "-1", /SEED is "-1": expected a whole number from 0 to 4294967295/],
  ["RUN", "4294967296", /RUN is/],
  ["RUN_START_MS", "1000", /RUN_START_MS is "1000"/],
  ["RATE", "0", /RATE is "0": expected a number from 0.01/],
  ["RATE", "1e3", /RATE is "1e3"/],
  ["DURATION", "10s", /DURATION is "10s"/],
  ["ORDERS_PER_REQUEST", "1001", /ORDERS_PER_REQUEST is "1001": expected a whole number from 1 to 1000/],
  ["MAX_VUS", "1.5", /MAX_VUS/],
])("rejects %s=%s", (name, value, sentence) => {
  expect(() => settingsFrom({ [name]: value }, NOW_MS)).toThrow(sentence);
});

test("reports every wrong setting at once, and probes without stores", () => {
  expect(() => settingsFrom({ SEED: "x", RATE: "y" }, NOW_MS)).toThrow(/SEED is "x".* RATE is "y"/);
  expect(() => settingsFrom({ PROBES_PER_SECOND: "1" }, NOW_MS)).toThrow(/needs PROBE_STORES/);
});
