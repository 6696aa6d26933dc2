/** Probes by what each means, and time enough to stop. */
import { loadSettings } from "#shared/runtime/config.ts";
import { apiKnobs } from "../../services/order-api/config.ts";
import { workerKnobs } from "../../services/worker/config.ts";
import type { Rule } from "./chart-rules.ts";
import { type Container, programOf, titleOf, workloadsIn } from "./manifests.ts";

/** A restart does not bring back a server that is away, so what asks for a restart asks for the process alone. */
const WANTED = {
  api: { startupProbe: "/livez", livenessProbe: "/livez", readinessProbe: "/readyz" },
  worker: { startupProbe: "/livez", livenessProbe: "/livez", readinessProbe: undefined },
  migrations: {},
  operator: {},
} as const;
const PROBES = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

const inContainer = (container: Container): string[] => {
  const program = programOf(container);
  if (program === undefined)
    return container.readinessProbe && container.startupProbe ? [] : ["a server is used before it answers"];
  const wanted: Partial<Record<(typeof PROBES)[number], string | undefined>> = WANTED[program];
  return PROBES.filter((probe) => container[probe]?.httpGet?.path !== wanted[probe]).map(
    (probe) => `${probe} asks for something else than ${wanted[probe] ?? "nothing"}`,
  );
};

export const probesFit: Rule = {
  says: "probes ask for what each means",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      pod.containers.flatMap((container) =>
        inContainer(container).map((what) => `${titleOf(manifest)}: ${what}`),
      ),
    ),
};

const URLS = { DATABASE_URL: "postgres://x", BOARD_REDIS_URL: "redis://x" };

/** By the settings of the program itself, its default among them. */
const deadlineMs = (container: Container): number => {
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
  const given = { STOP_DEADLINE_MS: env["STOP_DEADLINE_MS"] };
  const program = programOf(container);
  if (program === "api") return loadSettings(apiKnobs, { ...URLS, ...given }).stopDeadlineMs;
  return program === "worker"
    ? loadSettings(workerKnobs, { ...URLS, MODE: "v1", ...given }).stopDeadlineMs
    : 0;
};

/** Kubernetes' own when a pod says nothing. */
const USUAL_GRACE_SECONDS = 30;

export const stopsInTime: Rule = {
  says: "a pod has longer to end than its program takes at most",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) => {
      const graceSeconds = pod.terminationGracePeriodSeconds ?? USUAL_GRACE_SECONDS;
      return pod.containers
        .filter((container) => {
          const beforeSeconds = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
          return graceSeconds <= beforeSeconds + deadlineMs(container) / 1_000;
        })
        .map(() => `${titleOf(manifest)} is killed after ${graceSeconds} s`);
    }),
};
