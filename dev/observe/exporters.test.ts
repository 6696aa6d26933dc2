import { expect, test } from "vitest";
import { parse } from "yaml";
import { EXPORTERS, plainOnLoopback } from "./exporters.ts";
import { configurationOf } from "./prometheus.ts";

const env = {
  DATABASE_URL: "postgres://coffee:s3cret@db.example:5432/coffee?sslmode=require",
  BOARD_REDIS_URL: "redis://:s3cret%40board@127.0.0.1:6379",
  STREAM_REDIS_URL: "redis://coffee:s3cret@stream.example:6380",
};

test("passwords of servers reach the exporters, and no label or argument", () => {
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
])("%s becomes %s: only a server on loopback is queried without TLS", (given, used) => {
  expect(plainOnLoopback(given)).toBe(used);
});

test("each job lists its addresses; one exporter reads each of several servers", () => {
  const text = configurationOf({
    scrapeMs: 5_000,
    evaluateMs: 15_000,
    ruleFiles: ["/rules/a.yaml"],
    targets: [
      { job: "worker", address: "127.0.0.1:1", labels: { mode: "v1" } },
      { job: "worker", address: "127.0.0.1:2", labels: { mode: "v2" } },
      { job: "redis", address: "redis://127.0.0.1:3", labels: { server: "board" }, through: "127.0.0.1:4" },
    ],
  });
  expect(parse(text)).toEqual({
    global: { scrape_interval: "5000ms", scrape_timeout: "5000ms", evaluation_interval: "15000ms" },
    rule_files: ["/rules/a.yaml"],
    scrape_configs: [
      {
        job_name: "worker",
        honor_labels: true,
        static_configs: [
          { targets: ["127.0.0.1:1"], labels: { mode: "v1" } },
          { targets: ["127.0.0.1:2"], labels: { mode: "v2" } },
        ],
      },
      {
        job_name: "redis",
        honor_labels: false,
        metrics_path: "/scrape",
        relabel_configs: [
          { source_labels: ["__address__"], target_label: "__param_target" },
          { source_labels: ["__param_target"], target_label: "instance" },
          { target_label: "__address__", replacement: "127.0.0.1:4" },
        ],
        static_configs: [{ targets: ["redis://127.0.0.1:3"], labels: { server: "board" } }],
      },
    ],
  });
});
