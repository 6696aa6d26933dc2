/** What is scraped against what the alerts, and their Prometheus, ask for; and what is rendered against its sources. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Rule } from "./chart-rules.ts";
import { type AlertRule, type Manifest, titleOf } from "./manifests.ts";

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

const grafana = join(import.meta.dirname, "../../grafana");
const sources = (folder: string, ending: string): [string, string][] =>
  readdirSync(join(grafana, folder))
    .filter((file) => file.endsWith(ending))
    .map((file) => [file, readFileSync(join(grafana, folder, file), "utf8")]);

type Groups = { readonly groups: readonly { readonly rules: readonly AlertRule[] }[] };
const rulesOf = ({ groups }: Groups): string[] =>
  groups.flatMap(({ rules }) => rules.map(({ alert, record = alert, expr }) => `${record}: ${expr.trim()}`));

/** Where monitoring is on it is with the servers' rules and the boards: all that the repository has. */
export const monitoringIsComplete: Rule = {
  says: "monitoring brings every rule and board of the repository",
  breaches: (manifests) => {
    if (!manifests.some(({ kind }) => kind === "ServiceMonitor")) return [];
    const rules = manifests
      .filter(({ kind }) => kind === "PrometheusRule")
      .flatMap(({ spec }) => rulesOf({ groups: spec?.groups ?? [] }));
    const boards = manifests.flatMap(({ kind, data = {} }) =>
      kind === "ConfigMap" ? Object.entries(data) : [],
    );
    const wanted = sources("rules", ".yaml").flatMap(([, text]) => rulesOf(parse(text) as Groups));
    return [
      ...wanted.filter((rule) => !rules.includes(rule)).map((rule) => `the rule ${rule} is missing`),
      ...sources("dashboards", ".json")
        .filter(([name, text]) => !boards.some(([file, board]) => file === name && isSame(board, text)))
        .map(([name]) => `the board ${name} is missing, or another one`),
    ];
  },
};

const isSame = (one: string, other: string): boolean =>
  JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
