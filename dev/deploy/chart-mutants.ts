/** The chart broken on purpose, as data: each has to be found, by a rule or by a schema. */

/** The title; the file in the chart; what is replaced, by what. */
export type Mutant = readonly [title: string, file: string, from: string, to: string];

const API = "templates/order-api.yaml";
const WORKERS = "templates/workers.yaml";
const PROGRAMS = "templates/_programs.tpl";
const SCALING = "templates/scaling.yaml";
const MONITORING = "templates/monitoring.yaml";
const OWN = "templates/_own-servers.tpl";
const SMOKE = "templates/tests/smoke.yaml";
const PORT = '- { name: PORT, value: "8005" }';
const SELECTOR = 'matchLabels: {{- include "coffee-rt.selector"';

export const MUTANTS: readonly Mutant[] = [
  ["a misspelt switch of a mode", API, "_ENABLED, value", "_ENABLE, value"],
  ["a misspelt variable", WORKERS, "name: METRICS_PORT", "name: METRIC_PORT"],
  ["a variable left out", WORKERS, "- { name: MODE, value: {{ $mode }} }", ""],
  ["an address left out", "templates/_servers.tpl", "- boardRedis\n", ""],
  ["an API on loopback", API, "- { name: HOST, value: 0.0.0.0 }", ""],
  ["a variable given twice", API, PORT, `${PORT}\n            ${PORT}`],
  ["an API on another port", API, PORT, PORT.replace("8005", "8006")],
  ["another port of the container", API, "containerPort: 8005", "containerPort: 8006"],
  ["a Service to a port that is not there", API, "targetPort: http", "targetPort: web"],
  ["a probe of a port that is not there", WORKERS, "/livez, port: metrics", "/livez, port: http"],
  ["ready before any mode takes orders", API, "path: /readyz", "path: /livez"],
  ["no readiness at all", API, "readinessProbe:", "livenessProbe:"],
  ["a misspelt probe", API, "failureThreshold: 2", "failureTreshold: 2"],
  ["killed before it has stopped", API, "1000) 5 }}", "100000) 0 }}"],
  ["a smoke test by a variable that it has not", SMOKE, "name: API_URL", "name: ORDER_API_URL"],
  ["a password among the variables", SMOKE, '"http://{{', '"http://coffee:secret@{{'],
  ["a smoke test that no policy admits", SMOKE, '"smoke-test" }}\n{{- $name', '"smoke" }}\n{{- $name'],
  [
    "a user that every cluster is given",
    PROGRAMS,
    "{{- range $name, $value := . }}\n  {{ $name }}",
    "{{- range $name, $value := . }}\n  fsGroup: 1000\n  {{ $name }}",
  ],
  ["a registry's Secret as Kubernetes does not know it", PROGRAMS, "  - name: {{ if", "  - {{ if"],
  [
    "a spread over other pods",
    PROGRAMS,
    'include "coffee-rt.selector" $ |',
    'include "coffee-rt.selector" (dict "root" $.root "component" "all") |',
  ],
  ["a number as a fraction", PROGRAMS, 'printf "%.0f" .', "toString ."],
  [
    "a budget that selects no pods",
    WORKERS,
    `maxUnavailable: 1\n  selector:\n    ${SELECTOR} $about`,
    `maxUnavailable: 1\n  selector:\n    ${SELECTOR} (dict "root" $ "component" "none")`,
  ],
  [
    "a scaler of nothing",
    SCALING,
    "scaleTargetRef: { name: {{ $name }} }",
    "scaleTargetRef: { name: workers }",
  ],
  ["a number that an autoscaler sets", "templates/_replicas.tpl", "if or $isBlind", "if or false"],
  ["a scaler with a misspelt field", SCALING, "pollingInterval", "polingInterval"],
  ["a scaler by another stream", SCALING, 'default "coffee:orders"', 'default "coffee:order"'],
  ["a scaler by another group", SCALING, 'V3_GROUP | default "counters"', 'V3_GROUP | default "counter"'],
  ["a scaler by another topic", SCALING, 'default "coffee-orders"', 'default "coffee:orders"'],
  [
    "a threshold as a fraction",
    SCALING,
    'lagThreshold: {{ include "coffee-rt.text"',
    "lagThreshold: {{ toString",
  ],
  [
    "a broker that KEDA does not find",
    "templates/own-kafka.yaml",
    "{{ $host }}.{{ $.Release.Namespace }}:9092",
    "{{ $host }}:9092",
  ],
  [
    "a server that is open to the cluster",
    OWN,
    `podSelector:\n    ${SELECTOR} $about`,
    `podSelector:\n    ${SELECTOR} (dict "root" .root "component" "order-api")`,
  ],
  [
    "a server that each chart version restarts",
    OWN,
    'labels: {{- include "coffee-rt.selector"',
    'labels: {{- include "coffee-rt.labels"',
  ],
  ["a root that can be written", PROGRAMS, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"],
  ["a volume that is not there", PROGRAMS, "- name: tokens\n", "- name: token\n"],
  ["a program that may gain privileges", PROGRAMS, "Escalation: false", "Escalation: true"],
  ["a token for every pod", PROGRAMS, "ServiceAccountToken: false", "ServiceAccountToken: true"],
  ["variables named after Services", PROGRAMS, "enableServiceLinks: false", "enableServiceLinks: true"],
  [
    "an image of no version",
    "templates/_names.tpl",
    "{{ .repository }}:{{ default $.Chart.AppVersion .tag }}",
    "{{ .repository }}:latest",
  ],
  ["servers anywhere", OWN, '{{- include "coffee-rt.placement" .root }}', ""],
  ["servers without the registry's Secret", OWN, '{{- include "coffee-rt.pullSecrets" .root }}', ""],
  ["a way from outside that ends nowhere", "templates/ingress.yaml", "}}-order-api, port", "}}-api, port"],
  ["migrations by a file that is not there", "templates/migrations.yaml", "db/main.ts", "db/migrate.ts"],
  ["metrics that no client can reach", "templates/network.yaml", '"port" 9464', '"port" 9465'],
  ["a metric of the wrong port", MONITORING, '"port" "http"', '"port" "web"'],
  ["a job named after the Service", MONITORING, "{ targetLabel: job, r", "{ targetLabel: service, r"],
  ["a job that no alert asks for", MONITORING, '"job" "order-api"', '"job" "api"'],
  ["rules that are left out", MONITORING, "{{ $rules = append $rules . }}", "{{ $rules = list . }}"],
  [
    "boards that are not found",
    MONITORING,
    '.Files.Glob "dashboards/*.json"',
    '.Files.Glob "dashboard/*.json"',
  ],
];
