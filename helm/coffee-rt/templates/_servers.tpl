{{/* The servers, each with its variable, its port in the cluster and the name it has there. */}}
{{- define "coffee-rt.serverFacts" -}}
postgresql: { variable: DATABASE_URL, suffix: postgres, port: 5432, what: "postgres://user:password@host:5432/name" }
boardRedis: { variable: BOARD_REDIS_URL, suffix: redis-board, port: 6379, what: "redis://host:6379" }
streamRedis: { variable: STREAM_REDIS_URL, suffix: redis-stream, port: 6379, what: "redis://host:6379" }
kafka: { variable: KAFKA_BROKERS, suffix: kafka, port: 9092, what: "host:9092,host:9092" }
{{- end -}}

{{/* The servers that a mode needs besides PostgreSQL and the board. */}}
{{- define "coffee-rt.serversOfMode" -}}
v1: []
v2: [streamRedis]
v3: [kafka]
{{- end -}}

{{- define "coffee-rt.enabledModes" -}}
{{- range $name, $mode := .Values.modes }}{{ if $mode.enabled }}
- {{ $name }}
{{- end }}{{ end }}
{{- end -}}

{{/* Every server that the enabled modes need, once. */}}
{{- define "coffee-rt.neededServers" -}}
- postgresql
- boardRedis
{{- $of := include "coffee-rt.serversOfMode" . | fromYaml -}}
{{- range include "coffee-rt.enabledModes" . | fromYamlArray }}{{ range index $of . }}
- {{ . }}
{{- end }}{{ end }}
{{- end -}}

{{- define "coffee-rt.serverHost" -}}
{{ include "coffee-rt.fullname" .root }}-{{ index (include "coffee-rt.serverFacts" .root | fromYaml) .server "suffix" }}
{{- end -}}

{{/* The URL that this release keeps in its Secret; empty where the Secret is somebody else's. Takes root and server. */}}
{{- define "coffee-rt.ownUrl" -}}
{{- $values := index .root.Values.servers .server -}}
{{- $fact := index (include "coffee-rt.serverFacts" .root | fromYaml) .server -}}
{{- $host := include "coffee-rt.serverHost" . -}}
{{- if $values.inCluster.enabled -}}
{{- if eq .server "postgresql" -}}
postgres://coffee:{{ $values.inCluster.password }}@{{ $host }}:5432/coffee
{{- else if eq .server "kafka" -}}
{{ $host }}:9092
{{- else -}}
redis://{{ $host }}:6379
{{- end -}}
{{- else -}}
{{ $values.url }}
{{- end -}}
{{- end -}}

{{/* One variable of the environment, from the Secret that holds it. Takes root, server and secret (this release's). */}}
{{- define "coffee-rt.urlVariable" -}}
{{- $values := index .root.Values.servers .server -}}
{{- $variable := index (include "coffee-rt.serverFacts" .root | fromYaml) .server "variable" -}}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ default .secret $values.existingSecret }}
      key: {{ ternary $values.key $variable (ne $values.existingSecret "") }}
{{- end -}}

{{/* How a client comes in to Kafka, besides its addresses; nothing for other servers. Takes root and server. */}}
{{- define "coffee-rt.kafkaAccess" -}}
{{- if eq .server "kafka" -}}
{{- with .root.Values.servers.kafka }}
{{- if .tls }}
- { name: KAFKA_TLS, value: "true" }
{{- end }}
{{- if ne .sasl.mechanism "none" }}
- { name: KAFKA_SASL_MECHANISM, value: {{ .sasl.mechanism }} }
- name: KAFKA_USERNAME
  {{- if .sasl.usernameKey }}
  valueFrom: { secretKeyRef: { name: {{ .sasl.existingSecret }}, key: {{ .sasl.usernameKey }} } }
  {{- else }}
  value: {{ .sasl.username | quote }}
  {{- end }}
- name: KAFKA_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .sasl.existingSecret }}, key: {{ .sasl.passwordKey }} } }
{{- end }}
{{- if .clientCertificate.existingSecret }}
- { name: KAFKA_CERT_FILE, value: /etc/coffee-rt/kafka/{{ .clientCertificate.certificateKey }} }
- { name: KAFKA_KEY_FILE, value: /etc/coffee-rt/kafka/{{ .clientCertificate.keyKey }} }
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Says in a sentence what is missing or said twice, before anything is made. */}}
{{- define "coffee-rt.check" -}}
{{- $facts := include "coffee-rt.serverFacts" . | fromYaml -}}
{{- if not (include "coffee-rt.enabledModes" . | fromYamlArray) -}}
{{- fail "No mode is on: add -f values.v1.yaml, -f values.v2.yaml, -f values.v3.yaml or several of them." -}}
{{- end -}}
{{- range include "coffee-rt.neededServers" . | fromYamlArray -}}
{{- $values := index $.Values.servers . -}}
{{- $said := list -}}
{{- if $values.url }}{{ $said = append $said "url" }}{{ end -}}
{{- if $values.existingSecret }}{{ $said = append $said "existingSecret" }}{{ end -}}
{{- if $values.inCluster.enabled }}{{ $said = append $said "inCluster.enabled" }}{{ end -}}
{{- if ne (len $said) 1 -}}
{{- fail (printf "servers.%s has %s: set exactly one of url (%s), existingSecret, inCluster.enabled (-f values.trial.yaml for all of them)." . (ternary "nothing set" (join " and " $said) (empty $said)) (index $facts . "what")) -}}
{{- end -}}
{{- if and (eq . "postgresql") $values.inCluster.enabled (not $values.inCluster.password) -}}
{{- fail "servers.postgresql.inCluster.password is empty: choose one of letters and digits, and keep it." -}}
{{- end -}}
{{- if and $values.inCluster.enabled $values.inCluster.storage -}}
{{- include "coffee-rt.checkStorage" (dict "root" $ "server" .) -}}
{{- end -}}
{{- if and (eq . "kafka") (ne $values.sasl.mechanism "none") -}}
{{- if not $values.sasl.existingSecret -}}
{{- fail (printf "servers.kafka.sasl.existingSecret is empty: %s needs a Secret with the password." $values.sasl.mechanism) -}}
{{- end -}}
{{- if not (or $values.sasl.username $values.sasl.usernameKey) -}}
{{- fail (printf "servers.kafka.sasl.username is empty: %s needs it, or usernameKey for its key in the Secret." $values.sasl.mechanism) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
