/**
 * What must hold of whatever the chart renders and no tool knows. Each rule says a sentence for each breach. Security
 * profiles and names are the API server's to check (cluster.ts), the shape of objects kubeconform's.
 */
import { type Manifest, titleOf, workloadsIn } from "./manifests.ts";
import { jobsFit, monitoringIsComplete } from "./monitoring-rules.ts";
import { portsFit } from "./port-rules.ts";
import { probesFit, stopsInTime } from "./probe-rules.ts";
import { brokersFit, scaledElsewhere, scalersFit } from "./scaling-rules.ts";
import { variablesFit } from "./variable-rules.ts";

export type Rule = {
  readonly says: string;
  breaches(manifests: readonly Manifest[]): string[];
};

const fits = (labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** Everything by which one object finds another. */
const found: Rule = {
  says: "selectors, budgets and scalers find the pods that they are for",
  breaches: (manifests) => {
    const workloads = workloadsIn(manifests);
    const names = new Set(workloads.map(({ manifest }) => manifest.metadata.name));
    const services = manifests.filter(({ kind }) => kind === "Service");
    return manifests.flatMap((manifest) => {
      const { kind, spec } = manifest;
      const problem = (what: string): string[] => [`${titleOf(manifest)} ${what}`];
      const target = spec?.scaleTargetRef?.name;
      if (target !== undefined)
        return names.has(target) ? [] : problem(`scales ${target}, which is not there`);
      if (kind === "ServiceMonitor") {
        const wanted = spec?.selector?.matchLabels ?? {};
        const [service] = services.filter(({ metadata }) => fits(metadata.labels ?? {}, wanted));
        const ports = service?.spec?.ports?.map(({ name }) => name) ?? [];
        return spec?.endpoints?.every(({ port = "" }) => ports.includes(port))
          ? []
          : problem("finds no such port");
      }
      const wanted = kind === "Service" ? spec?.selector : (spec?.selector ?? spec?.podSelector)?.matchLabels;
      if (wanted === undefined) return [];
      const own = workloads.filter(({ labels }) => fits(labels, wanted));
      if (own.length === 0) return problem("finds no pods");
      return spec?.template && !own.some((each) => each.manifest === manifest)
        ? problem("does not find its own pods")
        : [];
    });
  },
};

const spread: Rule = {
  says: "a spread counts the pods of its own kind",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod, labels }) =>
      (pod.topologySpreadConstraints ?? []).flatMap(({ labelSelector }) => {
        const wanted = labelSelector?.matchLabels ?? {};
        const isOwn = fits(labels, wanted) && "app.kubernetes.io/component" in wanted;
        return isOwn ? [] : [`${titleOf(manifest)} spreads over other pods than its own`];
      }),
    ),
};

/** With a label of the chart's version each upgrade of the chart would restart them. */
const serversStay: Rule = {
  says: "pods of the chart's own servers have no label but those that select them",
  breaches: (manifests) =>
    workloadsIn(manifests)
      .filter(({ manifest }) => manifest.kind === "StatefulSet")
      .filter(({ manifest, labels }) => !fits(manifest.spec?.selector?.matchLabels ?? {}, labels))
      .map(({ manifest }) => titleOf(manifest)),
};

const PLACEMENT = ["imagePullSecrets", "nodeSelector", "tolerations", "affinity"] as const;

const placedAlike: Rule = {
  says: "registry Secrets and placement apply to every pod",
  breaches: (manifests) => {
    const workloads = workloadsIn(manifests);
    return PLACEMENT.flatMap((name) => {
      const wanted = workloads.map(({ pod }) => pod[name]).find((value) => value !== undefined);
      return workloads
        .filter(({ pod }) => JSON.stringify(pod[name]) !== JSON.stringify(wanted))
        .map(({ manifest }) => `${titleOf(manifest)} has another ${name}`);
    });
  },
};

const EXACT_IMAGE = /@sha256:[0-9a-f]{64}$|:(?!latest$)[\w.-]+$/;

/** What PodSecurity's restricted profile leaves open, and one thing of it: a cluster is not at hand everywhere. */
const bounded: Rule = {
  says: "a pod has exact images, a limit of memory, a read-only root, no token, and no variables named after Services",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      [
        [pod.automountServiceAccountToken === false, "is given a token"],
        [pod.enableServiceLinks === false, "is given variables that are named after Services"],
        ...pod.containers.flatMap(({ name, image, securityContext, resources }) => [
          [EXACT_IMAGE.test(image), `runs ${image}`],
          [securityContext?.allowPrivilegeEscalation === false, "may gain privileges"],
          [resources?.limits?.["memory"] !== undefined, "has no limit of memory"],
          // the start script of Kafka's image writes next to the program
          [name === "kafka" || securityContext?.readOnlyRootFilesystem === true, "writes to its root"],
        ]),
      ].flatMap(([holds, what]) => (holds ? [] : [`${titleOf(manifest)} ${what}`])),
    ),
};

const mounted: Rule = {
  says: "what a container mounts is a volume of its pod",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) => {
      const claims = manifest.spec?.volumeClaimTemplates?.map(({ metadata }) => metadata.name) ?? [];
      const volumes = [...claims, ...(pod.volumes ?? []).map(({ name }) => name)];
      return pod.containers.flatMap(({ volumeMounts = [] }) =>
        volumeMounts
          .filter(({ name }) => !volumes.includes(name))
          .map(({ name }) => `${titleOf(manifest)}: there is no volume ${name}`),
      );
    }),
};

const closed: Rule = {
  says: "the chart's own servers, which have no authentication, are not open to the cluster",
  breaches: (manifests) => {
    const policies = manifests.filter(({ kind }) => kind === "NetworkPolicy");
    return workloadsIn(manifests)
      .filter(({ manifest }) => manifest.kind === "StatefulSet")
      .filter(
        ({ labels }) => !policies.some(({ spec }) => fits(labels, spec?.podSelector?.matchLabels ?? {})),
      )
      .map(({ manifest }) => `${titleOf(manifest)} is reached from every pod`);
  },
};

/** A URL with a password in it, anywhere but in a Secret. */
const PASSWORD = /:\/\/[^:@/\s"]*:[^@/\s"]+@/;

const secretsApart: Rule = {
  says: "passwords stand in Secrets alone",
  breaches: (manifests) =>
    manifests
      .filter(({ kind }) => kind !== "Secret")
      .filter((manifest) => PASSWORD.test(JSON.stringify(manifest)))
      .map((manifest) => `${titleOf(manifest)} holds a password`),
};

const CHART_RULES: readonly Rule[] = [
  variablesFit,
  portsFit,
  probesFit,
  stopsInTime,
  found,
  spread,
  serversStay,
  placedAlike,
  bounded,
  mounted,
  closed,
  secretsApart,
  jobsFit,
  monitoringIsComplete,
  scalersFit,
  scaledElsewhere,
  brokersFit,
];

export const breachesIn = (manifests: readonly Manifest[]): string[] =>
  CHART_RULES.flatMap(({ says, breaches }) => breaches(manifests).map((breach) => `${says}: ${breach}`));

const IDS = ["runAsUser", "runAsGroup", "fsGroup"] as const;

/** Ids that the pods name, where the cluster should assign them; and the reverse. */
export const idsIn = (manifests: readonly Manifest[]): string[] =>
  workloadsIn(manifests).flatMap(({ manifest, pod }) =>
    IDS.filter((id) => pod.securityContext?.[id] !== undefined).map(
      (id) => `${titleOf(manifest)} names ${id}`,
    ),
  );
