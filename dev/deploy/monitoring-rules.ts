/** What is scraped against what the alerts, and their Prometheus, ask for. */
import type { Rule } from "./chart-rules.ts";
import { type Manifest, titleOf } from "./manifests.ts";

/** `job="order-api"`; or `job=~"order-api|redis"`, of which one is enough: servers are scraped by their operator. */
const ASKED_JOBS = /\bjob=~?"([^"]+)"/g;

const jobOf = (monitor: Manifest): (string | undefined)[] =>
  (monitor.spec?.endpoints ?? []).map(
    ({ relabelings = [] }) => relabelings.find(({ targetLabel }) => targetLabel === "job")?.replacement,
  );

const jobsAskedBy = (rules: Manifest): string[] =>
  (rules.spec?.groups ?? []).flatMap((group) =>
    group.rules.flatMap(({ expr }) => [...expr.matchAll(ASKED_JOBS)].map(([, jobs = ""]) => jobs)),
  );

export const jobsFit: Rule = {
  says: "alerts ask for jobs that are scraped under that name",
  breaches: (manifests) => {
    const monitors = manifests.filter(({ kind }) => kind === "ServiceMonitor");
    const rules = manifests.filter(({ kind }) => kind === "PrometheusRule");
    const jobs = monitors.flatMap(jobOf);
    return [
      ...monitors
        .filter((monitor) => jobOf(monitor).includes(undefined))
        .map((monitor) => `${titleOf(monitor)} leaves the job to be named after its Service`),
      ...(monitors.length > 0 && rules.length === 0 ? ["what is scraped is watched by no alert"] : []),
      ...rules.flatMap((each) =>
        [...new Set(jobsAskedBy(each))]
          .filter((asked) => !asked.split("|").some((job) => jobs.includes(job)))
          .map((asked) => `${titleOf(each)} asks for the job ${asked}`),
      ),
    ];
  },
};
