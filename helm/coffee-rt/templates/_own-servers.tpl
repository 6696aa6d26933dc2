{{/* What the pods of the chart's own servers share. Takes root and server. */}}
{{- define "coffee-rt.ownServerPod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "coffee-rt.podSecurity" (index .root.Values.servers .server).inCluster.podSecurityContext }}
{{- include "coffee-rt.pullSecrets" .root }}
{{- include "coffee-rt.placement" .root }}
{{- end -}}

{{- define "coffee-rt.ownServerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: {{ . }}
capabilities: { drop: [ALL] }
{{- end -}}

{{/* True where KEDA asks this server how much waits. Takes root and server. */}}
{{- define "coffee-rt.isScaledBy" -}}
{{- $of := include "coffee-rt.serversOfMode" .root | fromYaml -}}
{{- range include "coffee-rt.enabledModes" .root | fromYamlArray -}}
{{- if and (has $.server (index $of .)) (index $.root.Values.modes .).scaling.enabled }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Headless: each server is one pod, by its own name, also before it is ready: Kafka looks itself up while it starts. Redis
and Kafka ask nobody for a name, so this release's pods alone reach them, and KEDA where it has to. Takes root and server.
*/}}
{{- define "coffee-rt.ownServerService" -}}
{{- $about := dict "root" .root "component" .server -}}
{{- $port := index (include "coffee-rt.serverFacts" .root | fromYaml) .server "port" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "coffee-rt.serverHost" . }}
  labels: {{- include "coffee-rt.labels" $about | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "coffee-rt.selector" $about | nindent 4 }}
  ports:
    - { name: server, port: {{ $port }}, targetPort: server }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "coffee-rt.serverHost" . }}
  labels: {{- include "coffee-rt.labels" $about | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "coffee-rt.selector" $about | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "coffee-rt.name" .root }}
              app.kubernetes.io/instance: {{ .root.Release.Name }}
        {{- if include "coffee-rt.isScaledBy" . }}
        - namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: {{ .root.Values.networkPolicy.kedaNamespace }} }
        {{- end }}
      ports:
        - port: {{ $port }}
{{- end -}}

{{/* A size in MiB, as Kubernetes writes 1024Mi as 1Gi; any other text as it is. */}}
{{- define "coffee-rt.size" -}}
{{- $of := dict "Mi" 1 "Gi" 1024 "Ti" 1048576 -}}
{{- if regexMatch "^[0-9]+(Mi|Gi|Ti)$" . -}}
{{- mul (regexFind "^[0-9]+" .) (index $of (regexFind "..$" .)) -}}
{{- else }}{{ . }}{{ end -}}
{{- end -}}

{{/* Kubernetes refuses another size of a StatefulSet's claims, after a part of the release was changed. Takes root and server. */}}
{{- define "coffee-rt.checkStorage" -}}
{{- $size := (index .root.Values.servers .server).inCluster.storage -}}
{{- $host := include "coffee-rt.serverHost" . -}}
{{- $space := .root.Release.Namespace -}}
{{- range (lookup "apps/v1" "StatefulSet" $space $host | default dict | dig "spec" "volumeClaimTemplates" list) -}}
{{- $old := .spec.resources.requests.storage -}}
{{- if ne (include "coffee-rt.size" $old) (include "coffee-rt.size" $size) -}}
{{- fail (printf "servers.%s.inCluster.storage is %s, but StatefulSet %s was made with %s, which it cannot change: keep %s, or first enlarge the claim %s-%s-0 and run kubectl --namespace %s delete statefulset %s --cascade=orphan (docs/deployment.md#storage)." $.server $size $host $old $old .metadata.name $host $space $host) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The head of a server's StatefulSet, down to its pods' spec. Takes root and server. */}}
{{- define "coffee-rt.ownServerSet" -}}
{{- $about := dict "root" .root "component" .server -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "coffee-rt.serverHost" . }}
  labels: {{- include "coffee-rt.labels" $about | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ include "coffee-rt.serverHost" . }}
  selector:
    matchLabels: {{- include "coffee-rt.selector" $about | nindent 6 }}
  {{- with (index .root.Values.servers .server).inCluster.storage }}
  volumeClaimTemplates:
    - metadata: { name: data }
      spec:
        accessModes: [ReadWriteOnce]
        resources: { requests: { storage: {{ . }} } }
  {{- end }}
  template:
    metadata:
      # no version: a new chart must not restart the servers
      labels: {{- include "coffee-rt.selector" $about | nindent 8 }}
{{- end -}}
