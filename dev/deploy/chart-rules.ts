/** What must hold of whatever the chart renders. Each rule says a sentence for each breach. */
import { type Manifest, programOf, titleOf, workloadsIn } from "./manifests.ts";
import { jobsFit } from "./monitoring-rules.ts";
import { portsFit } from "./port-rules.ts";
import { probesFit, stopsInTime } from "./probe-rules.ts";
import { brokersFit, scalersFit } from "./scaling-rules.ts";
import { variablesFit } from "./variable-rules.ts";

export type Rule = {
  readonly says: string;
  breaches(manifests: readonly Manifest[]): string[];
};

const fits = (labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** Kubernetes' "restricted" profile, and more: nothing is written outside of a volume, no pod gets a token. */
const restricted: Rule = {
  says: "pods keep to the restricted profile, with a read-only root",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) => {
      const problems: string[] = [];
      const want = (holds: boolean, what: string): void =>
        void (holds || problems.push(`${titleOf(manifest)}: ${what}`));
      want(pod.automountServiceAccountToken === false, "is given a token");
      want(pod.enableServiceLinks === false, "is given variables that are named after services");
      want(pod.securityContext?.runAsNonRoot === true, "may run as root");
      // without one the image's own user, which is never root, or the one that the cluster assigns
      want(pod.securityContext?.runAsUser !== 0, "runs as root");
      want(pod.securityContext?.seccompProfile?.type === "RuntimeDefault", "has no seccomp profile");
      for (const container of pod.containers) {
        const { securityContext, resources } = container;
        want(securityContext?.allowPrivilegeEscalation === false, "may gain privileges");
        want(securityContext?.capabilities?.drop?.includes("ALL") === true, "keeps capabilities");
        // the start script of Kafka's image writes next to the program
        const isKafka = container.name === "kafka";
        want(securityContext?.readOnlyRootFilesystem === !isKafka, "writes to its root");
        want(resources?.limits?.["memory"] !== undefined, "has no limit of memory");
        want(resources?.requests !== undefined, "requests nothing");
      }
      return problems;
    }),
};

const isExact = (image: string): boolean => /@sha256:[0-9a-f]{64}$|:(?!latest$)[\w.-]+$/.test(image);

const exactImages: Rule = {
  says: "images have a tag or a digest, and our programs run by the image's own entry point",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      pod.containers.flatMap((container) => [
        ...(isExact(container.image) ? [] : [`${titleOf(manifest)}: ${container.image}`]),
        ...(programOf(container) && container.command
          ? [`${titleOf(manifest)}: a command replaces the init`]
          : []),
      ]),
    ),
};

/** Everything by which one object finds another. */
const found: Rule = {
  says: "selectors, budgets, scalers and spreads find the pods that they are for",
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

/** Of every other name. */
const MOST_OTHERWISE = 253;
/** A StatefulSet's pods carry its name with 11 characters more as a label; all of these names are labels or hosts. */
const MOST_CHARACTERS: Readonly<Record<string, number>> = {
  Deployment: 63,
  Job: 63,
  Service: 63,
  StatefulSet: 52,
};

const shortNames: Rule = {
  says: "names are short enough for what is made of them",
  breaches: (manifests) =>
    manifests
      .filter(({ kind, metadata }) => metadata.name.length > (MOST_CHARACTERS[kind] ?? MOST_OTHERWISE))
      .map((manifest) => `${titleOf(manifest)} has a name of ${manifest.metadata.name.length} characters`),
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

export const CHART_RULES: readonly Rule[] = [
  variablesFit,
  portsFit,
  probesFit,
  stopsInTime,
  restricted,
  exactImages,
  found,
  spread,
  mounted,
  secretsApart,
  closed,
  shortNames,
  jobsFit,
  scalersFit,
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
