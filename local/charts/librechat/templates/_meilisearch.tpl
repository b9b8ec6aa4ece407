{{- /* Upstream a subchart: it takes its names from the release, not from fullnameOverride. */ -}}
{{- define "meilisearch.fullname" -}}
{{- contains "meilisearch" .Release.Name | ternary .Release.Name (printf "%s-meilisearch" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "meilisearch.selector" -}}
app.kubernetes.io/name: meilisearch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "meilisearch.labels" -}}
{{ include "meilisearch.selector" . }}
app.kubernetes.io/component: search-engine
app.kubernetes.io/part-of: meilisearch
{{ include "chart.labels" . }}
{{- end -}}
