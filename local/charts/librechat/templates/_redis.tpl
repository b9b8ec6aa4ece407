{{- /* Upstream a subchart (redis 24.1.3): it takes its names from the release, not from fullnameOverride. */ -}}
{{- define "redis.fullname" -}}
{{- contains "redis" .Release.Name | ternary .Release.Name (printf "%s-redis" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "redis.selector" -}}
app.kubernetes.io/name: redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "redis.labels" -}}
{{ include "redis.selector" . }}
{{ include "chart.labels" . }}
{{- end -}}

{{- define "redis.image" -}}
{{- with .Values.redis -}}
{{- if and .global.imageRegistry (not .global.security.allowInsecureImages) -}}
{{- fail "redis.global.security.allowInsecureImages has to be true for images of another registry" -}}
{{- end -}}
{{ .global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ .image.tag }}
{{- end -}}
{{- end -}}
