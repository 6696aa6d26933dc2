import { expect, test } from "vitest";
import { settingsFrom } from "./settings.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 10);

test("has a default for every setting", () => {
  expect(settingsFrom({}, NOW_MS)).toEqual({
    baseUrl: "http://127.0.0.1:8005",
    mode: "v1",
    profile: "baseline",
    seed: 1,
    run: NOW_MS % 2 ** 32,
    runStartMs: NOW_MS,
    perSecond: null,
    seconds: null,
    warmUpSeconds: 0,
    ordersPerRequest: 1,
    probesPerSecond: 0,
    probeStores: [],
    catalogueFile: "services/order-api/catalogue.json",
    summaryFile: null,
    mostVus: 1_000,
    watchers: null,
    hasSamples: false,
    replyWithinSeconds: 10,
    waitSeconds: 0,
  });
});

test("reads every setting", () => {
  const given = {
    BASE_URL: "http://host:1/",
    MODE: "v1-each",
    PROFILE: "constant",
    SEED: "7",
    RUN: "4294967295",
    RUN_START_MS: String(NOW_MS - 1_000),
    RATE: "0.5",
    DURATION: "2.5",
    WARM_UP: "3",
    ORDERS_PER_REQUEST: "10",
    PROBES_PER_SECOND: "2",
    PROBE_STORES: "a, b,,a",
    CATALOGUE: "c.json",
    SUMMARY: "s.json",
    MAX_VUS: "50",
    WATCHERS: "0",
    SAMPLES: "1",
    WAIT: "60",
    REPLY_WITHIN: "2.5",
  };
  expect(settingsFrom(given, NOW_MS)).toEqual({
    baseUrl: "http://host:1",
    mode: "v1-each",
    profile: "constant",
    seed: 7,
    run: 2 ** 32 - 1,
    runStartMs: NOW_MS - 1_000,
    perSecond: 0.5,
    seconds: 2.5,
    warmUpSeconds: 3,
    ordersPerRequest: 10,
    probesPerSecond: 2,
    probeStores: ["a", "b"],
    catalogueFile: "c.json",
    summaryFile: "s.json",
    mostVus: 50,
    watchers: 0,
    hasSamples: true,
    replyWithinSeconds: 2.5,
    waitSeconds: 60,
  });
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
