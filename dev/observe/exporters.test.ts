import { expect, test } from "vitest";
import { configurationOf } from "./configuration.ts";
import { EXPORTERS, plainOnLoopback } from "./exporters.ts";

const env = {
  DATABASE_URL: "postgres://coffee:s3cret@db.example:5432/coffee?sslmode=require",
  BOARD_REDIS_URL: "redis://:s3cret%40board@127.0.0.1:6379",
  STREAM_REDIS_URL: "redis://coffee:s3cret@stream.example:6380",
};

test("passwords of given servers reach the exporters, and neither labels nor arguments", () => {
  const targets = EXPORTERS.flatMap((exporter) => exporter.targets("127.0.0.1:1", env));
  const configuration = configurationOf({ scrapeMs: 1_000, evaluateMs: 1_000, ruleFiles: [], targets });
  expect(configuration).toContain("redis://coffee@stream.example:6380");
  const args = EXPORTERS.flatMap((exporter) => exporter.args(1));
  expect(configuration + args.join()).not.toContain("s3cret");
  expect(EXPORTERS.flatMap((exporter) => Object.entries(exporter.passwords?.(env) ?? {}))).toEqual([
    ["redis://127.0.0.1:6379", "s3cret@board"],
    ["redis://coffee@stream.example:6380", "s3cret"],
  ]);
});

test.each([
  ["postgres://coffee@127.0.0.1:5432/coffee", "postgres://coffee@127.0.0.1:5432/coffee?sslmode=disable"],
  ["postgres://coffee@localhost/coffee?a=b", "postgres://coffee@localhost/coffee?a=b&sslmode=disable"],
  ["postgres://localhost/coffee?sslmode=require", "postgres://localhost/coffee?sslmode=require"],
  [env.DATABASE_URL, env.DATABASE_URL],
  ["postgres://coffee@db.example/coffee", "postgres://coffee@db.example/coffee"],
])("%s is asked by %s: nothing is sent in clear text that was not so before", (given, asked) => {
  expect(plainOnLoopback(given)).toBe(asked);
});
