{{/*
The line `replicas` of a Deployment, by who owns the count in the cluster. Takes root, name, count, value (the name of its
value) and isScaled. For a new Deployment it is the count. Where an autoscaler sets it and there is no cluster to look at
(helm template), it is left out: whatever applies that again would reset the autoscaler's.

Helm applies on the server: the same count as the cluster's is shared with its owner, another one is a conflict, which
leaves the release failed; a count that is left out stays if another manager owns it, else it becomes 1.
*/}}
{{- define "coffee-rt.replicas" -}}
{{- $space := .root.Release.Namespace -}}
{{- $live := lookup "apps/v1" "Deployment" $space .name | default dict -}}
{{- $now := dig "spec" "replicas" .count $live | int -}}
{{- $owner := "" -}}
{{- $isApplied := false -}}
{{- range dig "metadata" "managedFields" list $live -}}
{{- if eq .operation "Apply" -}}
{{- $isApplied = true -}}
{{- else if hasKey (dig "f:spec" dict .fieldsV1) "f:replicas" -}}
{{- $owner = .manager -}}
{{- end -}}
{{- end -}}
{{- /* of an autoscaler that this upgrade removes; KEDA's has a name of its own. Asked for only then: it needs a right more */}}
{{- $isScaler := false -}}
{{- if and (not .isScaled) (ne $now (int .count)) -}}
{{- range list .name (printf "keda-hpa-%s" .name) -}}
{{- if lookup "autoscaling/v2" "HorizontalPodAutoscaler" $space . }}{{ $isScaler = true }}{{ end -}}
{{- end -}}
{{- end -}}
{{- /* not even an empty list without a cluster */}}
{{- $isBlind := and .isScaled (not $live) (not (lookup "apps/v1" "Deployment" $space "")) -}}
{{- if or $isBlind (and .isScaled $isApplied $owner) -}}
{{- /* the autoscaler's, which may change it until this is applied */}}
{{- else if or .isScaled $isScaler -}}
replicas: {{ $now }}
{{- else if and $isApplied $owner (ne $now (int .count)) -}}
{{- fail (printf "%s is %v, but %s has set %d replicas of Deployment %s, and owns that number: set %s=%d, or run kubectl --namespace %s scale deployment %s --replicas=%v before." .value .count $owner $now .name .value $now $space .name .count) -}}
{{- else -}}
replicas: {{ .count }}
{{- end -}}
{{- end -}}
