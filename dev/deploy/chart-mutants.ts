/** The chart broken on purpose, as data: each has to be found, by a rule or by a schema. */

export type Mutant = {
  readonly title: string;
  /** In the chart. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
};

const API = "templates/order-api.yaml";
const WORKERS = "templates/workers.yaml";
const PROGRAMS = "templates/_programs.tpl";

export const MUTANTS: readonly Mutant[] = [
  { title: "a misspelt switch of a mode", file: API, from: "_ENABLED, value", to: "_ENABLE, value" },
  { title: "a misspelt variable", file: WORKERS, from: "name: METRICS_PORT", to: "name: METRIC_PORT" },
  { title: "a variable left out", file: WORKERS, from: "- { name: MODE, value: {{ $mode }} }", to: "" },
  { title: "an address left out", file: "templates/_servers.tpl", from: "- boardRedis\n", to: "" },
  { title: "an API on loopback", file: API, from: "- { name: HOST, value: 0.0.0.0 }", to: "" },
  {
    title: "a variable given twice",
    file: API,
    from: '- { name: PORT, value: "8005" }',
    to: '- { name: PORT, value: "8005" }\n            - { name: PORT, value: "8005" }',
  },
  { title: "an API on another port", file: API, from: 'PORT, value: "8005"', to: 'PORT, value: "8006"' },
  {
    title: "another port of the container",
    file: API,
    from: "containerPort: 8005",
    to: "containerPort: 8006",
  },
  {
    title: "a worker on another port",
    file: WORKERS,
    from: 'METRICS_PORT, value: "9464"',
    to: 'METRICS_PORT, value: "9465"',
  },
  {
    title: "a Service to a port that is not there",
    file: API,
    from: "targetPort: http",
    to: "targetPort: web",
  },
  {
    title: "a probe of a port that is not there",
    file: WORKERS,
    from: "path: /livez, port: metrics",
    to: "path: /livez, port: http",
  },
  {
    title: "a restart when a server is away",
    file: API,
    from: "livenessProbe:\n            httpGet: { path: /livez",
    to: "livenessProbe:\n            httpGet: { path: /readyz",
  },
  { title: "ready before any mode takes orders", file: API, from: "path: /readyz", to: "path: /livez" },
  { title: "no readiness at all", file: API, from: "readinessProbe:", to: "livenessProbe:" },
  { title: "a misspelt probe", file: API, from: "failureThreshold: 2", to: "failureTreshold: 2" },
  { title: "killed before it has stopped", file: API, from: "1000) 5 }}", to: "100000) 0 }}" },
  {
    title: "a user that every cluster is given",
    file: PROGRAMS,
    from: "securityContext:\n{{- range",
    to: "securityContext:\n  fsGroup: 1000\n{{- range",
  },
  {
    title: "a registry's Secret as Kubernetes does not know it",
    file: PROGRAMS,
    from: "  - name: {{ if",
    to: "  - {{ if",
  },
  { title: "a program as root", file: "values.yaml", from: "runAsNonRoot: true", to: "runAsNonRoot: false" },
  {
    title: "a root that can be written",
    file: PROGRAMS,
    from: "readOnlyRootFilesystem: true",
    to: "readOnlyRootFilesystem: false",
  },
  {
    title: "a token for everybody",
    file: PROGRAMS,
    from: "automountServiceAccountToken: false",
    to: "automountServiceAccountToken: true",
  },
  {
    title: "variables named after services",
    file: PROGRAMS,
    from: "enableServiceLinks: false",
    to: "enableServiceLinks: true",
  },
  {
    title: "a password among the variables",
    file: PROGRAMS,
    from: "{{- range $name, $value := . }}",
    to: '- { name: LOG_LEVEL, value: "postgres://coffee:secret@db/coffee" }\n{{- range $name, $value := . }}',
  },
  {
    title: "a program without its init",
    file: WORKERS,
    from: "args: [node,",
    to: "command: [node]\n          args: [node,",
  },
  {
    title: "a budget that selects no pods",
    file: WORKERS,
    from: 'maxUnavailable: 1\n  selector:\n    matchLabels: {{- include "coffee-rt.selector" $about',
    to: 'maxUnavailable: 1\n  selector:\n    matchLabels: {{- include "coffee-rt.selector" (dict "root" $ "component" "nobody")',
  },
  {
    title: "a scaler of nothing",
    file: "templates/scaling.yaml",
    from: "scaleTargetRef: { name: {{ $name }} }",
    to: "scaleTargetRef: { name: workers }",
  },
  {
    title: "a scaler by another stream",
    file: "templates/scaling.yaml",
    from: 'default "coffee:orders"',
    to: 'default "coffee:order"',
  },
  {
    title: "a scaler by another group",
    file: "templates/scaling.yaml",
    from: '$of.settings.V3_GROUP | default "counters"',
    to: '$of.settings.V3_GROUP | default "counter"',
  },
  {
    title: "a scaler by another topic",
    file: "templates/scaling.yaml",
    from: 'default "coffee-orders"',
    to: 'default "coffee:orders"',
  },
  {
    title: "a threshold as a fraction",
    file: "templates/scaling.yaml",
    from: 'lagThreshold: {{ include "coffee-rt.text" $of.scaling.lagPerWorker',
    to: "lagThreshold: {{ $of.scaling.lagPerWorker",
  },
  {
    title: "a broker that KEDA does not find",
    file: "templates/own-kafka.yaml",
    from: "{{ $host }}.{{ $.Release.Namespace }}:9092",
    to: "{{ $host }}:9092",
  },
  {
    title: "a server that is open to the cluster",
    file: "templates/_own-servers.tpl",
    from: 'podSelector:\n    matchLabels: {{- include "coffee-rt.selector" $about',
    to: 'podSelector:\n    matchLabels: {{- include "coffee-rt.selector" (dict "root" .root "component" "order-api")',
  },
  {
    title: "a way from outside that ends nowhere",
    file: "templates/ingress.yaml",
    from: "}}-order-api, port",
    to: "}}-api, port",
  },
  {
    title: "migrations by a file that is not there",
    file: "templates/migrations.yaml",
    from: "db/main.ts",
    to: "db/migrate.ts",
  },
  {
    title: "metrics that no client can reach",
    file: "templates/network.yaml",
    from: '"port" 9464',
    to: '"port" 9465',
  },
  {
    title: "names that a StatefulSet cannot have",
    file: "templates/_names.tpl",
    from: ".Release.Name $name | trunc 39",
    to: ".Release.Name $name | trunc 40",
  },
  {
    title: "a spread over other pods",
    file: PROGRAMS,
    from: 'include "coffee-rt.selector" $ | nindent 8',
    to: 'include "coffee-rt.selector" (dict "root" $.root "component" "all") | nindent 8',
  },
  {
    title: "an image of no version",
    file: "templates/_names.tpl",
    from: "{{ .repository }}:{{ default $.Chart.AppVersion .tag }}",
    to: "{{ .repository }}:latest",
  },
  { title: "a number as a fraction", file: PROGRAMS, from: 'printf "%.0f" .', to: "toString ." },
  {
    title: "a metric of the wrong port",
    file: "templates/monitoring.yaml",
    from: '"port" "http"',
    to: '"port" "web"',
  },
  {
    title: "a job named after the Service",
    file: "templates/monitoring.yaml",
    from: "{ targetLabel: job, replacement: {{ $of.job }} }",
    to: "{ targetLabel: service, replacement: {{ $of.job }} }",
  },
  {
    title: "a job that no alert asks for",
    file: "templates/monitoring.yaml",
    from: '"job" "order-api"',
    to: '"job" "api"',
  },
  {
    title: "alerts that are not found",
    file: "templates/monitoring.yaml",
    from: '.Files.Glob "rules/*.yaml"',
    to: '.Files.Glob "rule/*.yaml"',
  },
];
