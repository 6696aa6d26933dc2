{{/* A setting as text. Helm reads whole numbers as fractions, and 1000000 would become 1e+06. */}}
{{- define "coffee-rt.text" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{- define "coffee-rt.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ include "coffee-rt.text" $value | quote }}
{{- end }}
{{- end -}}

{{/* What a cluster assigns itself, as OpenShift does, is null in the values, and helm leaves it out. */}}
{{- define "coffee-rt.podSecurity" }}
securityContext:
{{- range $name, $value := . }}
  {{ $name }}: {{ toJson $value }}
{{- end }}
{{- end -}}

{{/* Names of Secrets, or objects with a name as Kubernetes has them. */}}
{{- define "coffee-rt.pullSecrets" }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ .name }}{{ end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of every pod, those of the chart's own servers too. */}}
{{- define "coffee-rt.placement" }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.Values $name }}
{{ $name }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What all pods of our programs share; the catalogue is the API's alone. Takes root and component. */}}
{{- define "coffee-rt.podSpec" -}}
{{- $values := .root.Values -}}
automountServiceAccountToken: false
serviceAccountName: {{ $values.serviceAccountName }}
# a Service's name must not become a variable that a program takes for a setting
enableServiceLinks: false
{{- include "coffee-rt.podSecurity" $values.podSecurityContext }}
{{- include "coffee-rt.pullSecrets" .root }}
{{- include "coffee-rt.placement" .root }}
{{- with $values.topologySpread }}
topologySpreadConstraints:
{{- range . }}
  - {{- toYaml . | nindent 4 }}
    labelSelector:
      matchLabels: {{- include "coffee-rt.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- $volumes := include "coffee-rt.volumes" . }}
{{- with $volumes }}
volumes: {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* True for the programs that connect to Kafka with a certificate of their own. */}}
{{- define "coffee-rt.hasKafkaCertificate" -}}
{{- $isClient := has .component (list "order-api" "worker-v3") -}}
{{- if and $isClient .root.Values.modes.v3.enabled .root.Values.servers.kafka.clientCertificate.existingSecret }}true{{ end -}}
{{- end -}}

{{- define "coffee-rt.volumes" -}}
{{- with .root.Values.servers.certificateAuthority.existingSecret }}
- name: certificate-authority
  secret: { secretName: {{ . }} }
{{- end }}
{{- if and .root.Values.orderApi.tokens.existingSecret (eq .component "order-api") }}
- name: tokens
  secret: { secretName: {{ .root.Values.orderApi.tokens.existingSecret }} }
{{- end }}
{{- if include "coffee-rt.hasKafkaCertificate" . }}
- name: kafka-certificate
  secret: { secretName: {{ .root.Values.servers.kafka.clientCertificate.existingSecret }} }
{{- end }}
{{- if and .root.Values.catalogue (eq .component "order-api") }}
- name: catalogue
  configMap: { name: {{ include "coffee-rt.fullname" .root }}-catalogue }
{{- end }}
{{- end -}}

{{/* What all containers of our programs share; they run by the image's entry point, which is their init. As podSpec. */}}
{{- define "coffee-rt.container" -}}
image: {{ include "coffee-rt.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- $mounts := include "coffee-rt.mounts" . }}
{{- with $mounts }}
volumeMounts: {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "coffee-rt.mounts" -}}
{{- if .root.Values.servers.certificateAuthority.existingSecret }}
- { name: certificate-authority, mountPath: /etc/coffee-rt/ca, readOnly: true }
{{- end }}
{{- if and .root.Values.orderApi.tokens.existingSecret (eq .component "order-api") }}
- { name: tokens, mountPath: /etc/coffee-rt/tokens, readOnly: true }
{{- end }}
{{- if include "coffee-rt.hasKafkaCertificate" . }}
- { name: kafka-certificate, mountPath: /etc/coffee-rt/kafka, readOnly: true }
{{- end }}
{{- if and .root.Values.catalogue (eq .component "order-api") }}
- { name: catalogue, mountPath: /etc/coffee-rt/catalogue, readOnly: true }
{{- end }}
{{- end -}}

{{/* For Node itself: it trusts this authority besides the public ones. */}}
{{- define "coffee-rt.trust" -}}
{{- with .Values.servers.certificateAuthority }}{{ if .existingSecret }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/coffee-rt/ca/{{ .key }}
{{- end }}{{ end }}
{{- end -}}
