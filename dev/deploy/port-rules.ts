/** The port that a program listens on, the container's, the Service's and those of its probes: one and the same. */
import type { Rule } from "./chart-rules.ts";
import {
  type Container,
  type Manifest,
  programOf,
  titleOf,
  type Workload,
  workloadsIn,
} from "./manifests.ts";

/** The variable with a program's port. */
const PORT_OF: Readonly<Record<string, string | undefined>> = { api: "PORT", worker: "METRICS_PORT" };

const inContainer = (container: Container): string[] => {
  const ports = container.ports ?? [];
  const variable = PORT_OF[programOf(container) ?? ""];
  const value = container.env?.find(({ name }) => name === variable)?.value;
  const listens =
    variable === undefined || ports.some(({ containerPort }) => String(containerPort) === value);
  const names = ports.map(({ name }) => name);
  const probed = [container.startupProbe, container.livenessProbe, container.readinessProbe].flatMap(
    (probe) => {
      const port = (probe?.httpGet ?? probe?.tcpSocket)?.port;
      return port === undefined || names.includes(String(port))
        ? []
        : [`a probe asks port ${port}, which it has not`];
    },
  );
  return [...(listens ? [] : [`${variable} is ${value}, which is no port of it`]), ...probed];
};

const podsWith = (wanted: Readonly<Record<string, string>>, manifests: readonly Manifest[]): Workload[] =>
  workloadsIn(manifests).filter(({ labels }) =>
    Object.entries(wanted).every(([name, value]) => labels[name] === value),
  );

const ofService = (service: Manifest, manifests: readonly Manifest[]): string[] => {
  const pods = podsWith(service.spec?.selector ?? {}, manifests);
  return (service.spec?.ports ?? []).flatMap(({ targetPort }) =>
    pods
      .filter(
        ({ pod }) => !pod.containers.some(({ ports = [] }) => ports.some(({ name }) => name === targetPort)),
      )
      .map(({ manifest }) => `sends to the port ${targetPort}, which ${titleOf(manifest)} has not`),
  );
};

/** What it does not let in is not reached, although everything else says so. */
const ofPolicy = (policy: Manifest, manifests: readonly Manifest[]): string[] => {
  const ingress = policy.spec?.ingress ?? [];
  const admitted = ingress.flatMap(({ ports = [] }) => ports.map(({ port }) => port));
  const pods = podsWith(policy.spec?.podSelector?.matchLabels ?? {}, manifests);
  const closed = pods.flatMap(({ manifest, pod }) =>
    pod.containers
      .flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort))
      .filter((port) => !admitted.includes(port))
      .map((port) => `lets no client reach port ${port} of ${titleOf(manifest)}`),
  );
  const isOfApi = pods.some(({ pod }) => pod.containers.some((each) => programOf(each) === "api"));
  const sources = ingress.flatMap(({ from = [] }) => from.flatMap(({ podSelector }) => podSelector ?? []));
  const fromTest = sources.some(({ matchLabels = {} }) =>
    podsWith(matchLabels, manifests).some(({ manifest }) => manifest.kind === "Pod"),
  );
  return isOfApi && !fromTest ? [...closed, "does not let helm test in"] : closed;
};

const ofIngress = (ingress: Manifest, manifests: readonly Manifest[]): string[] => {
  const services = manifests.filter(({ kind }) => kind === "Service");
  return (ingress.spec?.rules ?? [])
    .flatMap(({ http }) => http?.paths ?? [])
    .flatMap(({ backend: { service } }) => {
      const found = services.find(({ metadata }) => metadata.name === service.name);
      const isThere = found?.spec?.ports?.some(({ name }) => name === service.port.name) === true;
      return isThere ? [] : [`sends to the port ${service.port.name} of ${service.name}, which is not there`];
    });
};

type Looking = (manifest: Manifest, manifests: readonly Manifest[]) => string[];

const LOOKING: Readonly<Record<string, Looking>> = {
  Service: ofService,
  NetworkPolicy: ofPolicy,
  Ingress: ofIngress,
};

export const portsFit: Rule = {
  says: "ports are the same from the program to its clients outside",
  breaches: (manifests) => [
    ...workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      pod.containers.flatMap((container) =>
        inContainer(container).map((what) => `${titleOf(manifest)}: ${what}`),
      ),
    ),
    ...manifests.flatMap((manifest) =>
      (LOOKING[manifest.kind]?.(manifest, manifests) ?? []).map((what) => `${titleOf(manifest)} ${what}`),
    ),
  ],
};
