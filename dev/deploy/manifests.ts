/** What the chart renders, as the rules read it. */
import { parseAllDocuments } from "yaml";

export type Variable = {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
};
type Handler = { readonly path?: string; readonly port?: string | number };
export type Probe = { readonly httpGet?: Handler; readonly tcpSocket?: Handler; readonly exec?: object };
export type Container = {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext?: {
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
  };
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly resources?: { readonly limits?: Labels };
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
};
type Labels = Readonly<Record<string, string>>;
/** Of a scaler: what it looks at, and from where on it adds a pod. */
export type Trigger = { readonly type: string; readonly metadata: Labels };
export type PodSpec = {
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: {
    readonly runAsUser?: number;
    readonly runAsGroup?: number;
    readonly fsGroup?: number;
  };
  readonly imagePullSecrets?: readonly unknown[];
  readonly nodeSelector?: Labels;
  readonly tolerations?: readonly unknown[];
  readonly affinity?: object;
  readonly terminationGracePeriodSeconds?: number;
  readonly topologySpreadConstraints?: readonly {
    readonly labelSelector?: { readonly matchLabels?: Labels };
  }[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string }[];
};
type Backend = {
  readonly service: { readonly name: string; readonly port: { readonly name?: string } };
};
/** Of Prometheus: an alert or a recording rule. */
export type AlertRule = { readonly alert?: string; readonly record?: string; readonly expr: string };
type Template = { readonly metadata: { readonly labels?: Labels }; readonly spec: PodSpec };
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels; readonly annotations?: Labels };
  readonly stringData?: Labels;
  readonly data?: Labels;
  readonly spec?: {
    readonly replicas?: number;
    readonly podSelector?: { readonly matchLabels?: Labels };
    readonly ingress?: readonly {
      readonly from?: readonly { readonly podSelector?: { readonly matchLabels?: Labels } }[];
      readonly ports?: readonly { readonly port: number }[];
    }[];
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly ports?: readonly { readonly name: string; readonly targetPort?: string | number }[];
    readonly endpoints?: readonly {
      readonly port?: string;
      readonly relabelings?: readonly { readonly targetLabel?: string; readonly replacement?: string }[];
    }[];
    readonly rules?: readonly {
      readonly http?: { readonly paths: readonly { readonly backend: Backend }[] };
    }[];
    readonly scaleTargetRef?: { readonly name: string };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
    readonly template?: Template;
    readonly triggers?: readonly Trigger[];
    readonly groups?: readonly { readonly rules: readonly AlertRule[] }[];
  };
};

/** Throws where the text is no YAML. */
export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text, { merge: true }).flatMap((document) => {
    const [error] = "errors" in document ? document.errors : [];
    if (error) throw error;
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });

export type Workload = { readonly manifest: Manifest; readonly pod: PodSpec; readonly labels: Labels };

export const workloadsIn = (manifests: readonly Manifest[]): Workload[] =>
  manifests.flatMap((manifest) => {
    // a pod of its own, as that of helm test, is its own template
    const template = manifest.kind === "Pod" ? (manifest as unknown as Template) : manifest.spec?.template;
    return template ? [{ manifest, pod: template.spec, labels: template.metadata.labels ?? {} }] : [];
  });

export const titleOf = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;

const PROGRAMS = {
  "services/order-api/main.ts": "api",
  "services/worker/main.ts": "worker",
  "db/main.ts": "migrations",
  "services/operator/main.ts": "operator",
} as const;
export type Program = (typeof PROGRAMS)[keyof typeof PROGRAMS];

/** Which of our programs a container runs, by its main file; undefined for a server's. */
export const programOf = ({ args = [] }: Container): Program | undefined =>
  PROGRAMS[args[1] as keyof typeof PROGRAMS];
