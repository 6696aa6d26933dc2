/** The rules over what the chart renders, on manifests small enough to read; npm run check:deploy has the real ones. */
import { expect, test } from "vitest";
import { breachesIn } from "./chart-rules.ts";
import { manifestsIn } from "./manifests.ts";

const GOOD = `
apiVersion: v1
kind: Secret
metadata: { name: urls }
stringData: { DATABASE_URL: "postgres://coffee:secret@db:5432/coffee", BOARD_REDIS_URL: "redis://board:6379" }
---
apiVersion: v1
kind: Service
metadata: { name: api, labels: { app.kubernetes.io/component: api } }
spec:
  selector: { app.kubernetes.io/component: api }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: api }
spec: { minAvailable: 1, selector: { matchLabels: { app.kubernetes.io/component: api } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: outside }
spec: { rules: [{ http: { paths: [{ backend: { service: { name: api, port: { name: http } } } }] } }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: api }
spec:
  podSelector: { matchLabels: { app.kubernetes.io/component: api } }
  ingress: [{ ports: [{ port: 8005 }] }]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: { name: api }
spec:
  selector: { matchLabels: { app.kubernetes.io/component: api } }
  endpoints: [{ port: http, relabelings: [{ targetLabel: job, replacement: order-api }] }]
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: alerts }
spec: { groups: [{ name: resources, rules: [{ alert: ApiDown, expr: 'absent(up{job="order-api"} == 1)' }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: api }
spec:
  selector: { matchLabels: { app.kubernetes.io/component: api } }
  template:
    metadata: { labels: { app.kubernetes.io/component: api } }
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 20
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
      topologySpreadConstraints: [{ labelSelector: { matchLabels: { app.kubernetes.io/component: api } } }]
      volumes: [{ name: ca }]
      containers:
        - name: api
          image: coffee-rt:0.1.0
          args: [node, services/order-api/main.ts]
          ports: [{ name: http, containerPort: 8005 }]
          env:
            - { name: HOST, value: 0.0.0.0 }
            - { name: PORT, value: "8005" }
            - { name: V1_ENABLED, value: "true" }
            - { name: DATABASE_URL, valueFrom: { secretKeyRef: { name: urls, key: DATABASE_URL } } }
            - { name: BOARD_REDIS_URL, valueFrom: { secretKeyRef: { name: urls, key: BOARD_REDIS_URL } } }
          startupProbe: { httpGet: { path: /livez, port: http } }
          livenessProbe: { httpGet: { path: /livez, port: http } }
          readinessProbe: { httpGet: { path: /readyz, port: http } }
          lifecycle: { preStop: { sleep: { seconds: 5 } } }
          volumeMounts: [{ name: ca, mountPath: /ca }]
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
          resources: { requests: { cpu: 1 }, limits: { memory: 1Gi } }
`;

const problemsIn = (text: string): string[] => breachesIn(manifestsIn(text));

test("finds no problem in correct manifests", () => {
  expect(problemsIn(GOOD)).toEqual([]);
});

test.each([
  ["V1_ENABLED, value", "V1_ENABLE, value", "V1_ENABLE is no setting of it"],
  ['V1_ENABLED, value: "true"', 'V1_ENABLED, value: "maybe"', 'V1_ENABLED is "maybe"'],
  ["key: BOARD_REDIS_URL }", "key: BOARD }", "BOARD_REDIS_URL is not in the Secret urls"],
  ["{ name: HOST, value: 0.0.0.0 }", "{ name: LOG_LEVEL, value: info }", "HOST is not 0.0.0.0"],
  ["{ name: HOST, value", "{ name: PORT, value", "PORT is given twice"],
  ['PORT, value: "8005"', 'PORT, value: "8006"', "PORT is 8006, which is no port of it"],
  ["containerPort: 8005", "containerPort: 8006", "PORT is 8005, which is no port of it"],
  ["targetPort: http", "targetPort: web", "sends to the port web"],
  [
    "livenessProbe: { httpGet: { path: /livez",
    "livenessProbe: { httpGet: { path: /readyz",
    "livenessProbe asks",
  ],
  ["readinessProbe", "x-readinessProbe", "readinessProbe asks"],
  ["path: /readyz, port: http", "path: /readyz, port: web", "a probe asks port web"],
  ["terminationGracePeriodSeconds: 20", "terminationGracePeriodSeconds: 15", "is killed after 15 s"],
  ["runAsNonRoot: true", "runAsNonRoot: false", "may run as root"],
  ["readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writes to its root"],
  ["drop: [ALL]", "drop: [NET_RAW]", "keeps capabilities"],
  ["limits: { memory: 1Gi }", "limits: { cpu: 1 }", "has no limit of memory"],
  ["enableServiceLinks: false", "enableServiceLinks: true", "named after services"],
  ["image: coffee-rt:0.1.0", "image: coffee-rt:latest", "coffee-rt:latest"],
  ["image: coffee-rt:0.1.0", "image: coffee-rt", "coffee-rt"],
  ["args: [node", "command: [sh]\n          args: [node", "a command replaces the init"],
  ["volumes: [{ name: ca }]", "volumes: []", "there is no volume ca"],
  ["kind: Secret", "kind: ConfigMap", "holds a password"],
  ["service: { name: api,", "service: { name: web,", "Ingress/outside sends to the port http of web"],
  ["ports: [{ port: 8005 }]", "ports: [{ port: 8006 }]", "lets no client reach port 8005 of Deployment/api"],
  [
    "podSelector: { matchLabels: { app.kubernetes.io/component: api",
    "podSelector: { matchLabels: { app: api",
    "NetworkPolicy/api finds no pods",
  ],
  ["targetLabel: job", "targetLabel: service", "leaves the job to be named after its Service"],
  ["replacement: order-api", "replacement: api", "PrometheusRule/alerts asks for the job order-api"],
  ['job="order-api"', 'job=~"redis|worker"', "asks for the job redis|worker"],
  ["kind: PrometheusRule", "kind: ConfigMap", "watched by no alert"],
  [
    "minAvailable: 1, selector: { matchLabels: { app.kubernetes.io/component: api",
    "minAvailable: 1, selector: { matchLabels: { app.kubernetes.io/component: web",
    "PodDisruptionBudget/api finds no pods",
  ],
  [
    "labelSelector: { matchLabels: { app.kubernetes.io/component: api",
    "labelSelector: { matchLabels: { app: api",
    "spreads over",
  ],
])("%s → %s is found", (from, to, problem) => {
  expect(GOOD).toContain(from);
  expect(problemsIn(GOOD.replace(from, to)).join("\n")).toContain(problem);
});
