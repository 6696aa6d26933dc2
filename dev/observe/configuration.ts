/** Prometheus' configuration, from what runs. */
import { stringify } from "yaml";
import type { Job } from "../../grafana/jobs.ts";

/** A page of figures. `through` is an exporter that is asked about the address, rather than the address itself. */
export type Target = {
  readonly job: Job;
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly through?: string;
};

export type Scraping = {
  readonly scrapeMs: number;
  readonly evaluateMs: number;
  readonly ruleFiles: readonly string[];
  readonly targets: readonly Target[];
};

/** The exporter is asked about the address, which stays the name of the instance. */
const asking = (exporter: string): readonly object[] => [
  { source_labels: ["__address__"], target_label: "__param_target" },
  { source_labels: ["__param_target"], target_label: "instance" },
  { target_label: "__address__", replacement: exporter },
];

const jobOf = (job: string, targets: readonly Target[]): object => {
  const through = targets.find((target) => target.through !== undefined)?.through;
  return {
    job_name: job,
    // what a page says of its mode stands: the target says it for the pages' other figures
    honor_labels: targets.some(({ labels }) => labels?.["mode"] !== undefined),
    ...(through !== undefined && { metrics_path: "/scrape", relabel_configs: asking(through) }),
    static_configs: targets.map(({ address, labels = {} }) => ({ targets: [address], labels })),
  };
};

export const configurationOf = ({ scrapeMs, evaluateMs, ruleFiles, targets }: Scraping): string => {
  const jobs = [...new Set(targets.map(({ job }) => job))];
  return stringify({
    global: {
      scrape_interval: `${scrapeMs}ms`,
      scrape_timeout: `${scrapeMs}ms`,
      evaluation_interval: `${evaluateMs}ms`,
    },
    rule_files: ruleFiles,
    scrape_configs: jobs.map((job) =>
      jobOf(
        job,
        targets.filter((target) => target.job === job),
      ),
    ),
  });
};
