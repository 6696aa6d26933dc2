import { expect, test } from "vitest";
import { parse } from "yaml";
import { configurationOf } from "./configuration.ts";

test("each job is asked at its addresses, an exporter of many servers about each of them", () => {
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
