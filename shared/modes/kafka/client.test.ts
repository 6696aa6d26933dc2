import { expect, test } from "vitest";
import { loadSettings } from "../../runtime/config.ts";
import { addressesIn } from "./client.ts";
import { kafkaKnobs } from "./mode.ts";

test.each([
  ["a:1", ["a:1"], false],
  [" a:1 , b:2,", ["a:1", "b:2"], false],
  ["kafka+ssl://a:1,kafka+ssl://b:2", ["a:1", "b:2"], true],
])("the brokers of %j, and whether they speak TLS", (text, brokers, ssl) => {
  expect(addressesIn(text)).toEqual({ brokers, ssl });
});

const isTaken = (text: string): boolean => {
  try {
    loadSettings(kafkaKnobs, { KAFKA_BROKERS: text });
    return true;
  } catch {
    return false;
  }
};

test.each(["a:1", "a:1,b:2", "a:1, b:2", "kafka+ssl://a:1, kafka+ssl://b:2", "10.0.0.1:9092"])(
  "%s are brokers",
  (text) => {
    expect(isTaken(text)).toBe(true);
  },
);

test.each([
  "a",
  "a:b",
  "kafka://a:1",
  "kafka+ssl://a",
  "user:secret@a:1",
  "kafka+ssl://user:secret@a:1",
  // half of them in the clear
  "kafka+ssl://a:1,b:2",
  "a:1,kafka+ssl://b:2",
])("%s are refused", (text) => {
  expect(isTaken(text)).toBe(false);
});
