{{- define "ollama.fullname" -}}
{{- $ofRelease := contains "ollama" .Release.Name | ternary .Release.Name (printf "%s-ollama" .Release.Name) -}}
{{- .Values.fullnameOverride | default $ofRelease | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ollama.selector" -}}
app.kubernetes.io/name: ollama
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ollama.labels" -}}
{{ include "ollama.selector" . }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "ollama.metadata" -}}
name: {{ include "ollama.fullname" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "ollama.labels" . | nindent 2 }}
{{- end -}}

{{- define "ollama.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "ollama.fullname" .) "default") -}}
{{- end -}}

{{- define "ollama.onNvidia" -}}
{{- if and .Values.ollama.gpu.enabled (ne .Values.ollama.gpu.type "amd") -}}true{{- end -}}
{{- end -}}

{{- define "ollama.onAmd" -}}
{{- if and .Values.ollama.gpu.enabled (eq .Values.ollama.gpu.type "amd") -}}true{{- end -}}
{{- end -}}

{{- define "ollama.image" -}}
{{- $tag := include "ollama.onAmd" . | empty | ternary .Chart.AppVersion (printf "%s-rocm" .Chart.AppVersion) -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default $tag }}
{{- end -}}

{{- /* The pod's own limits win over the GPU count, as upstream. */ -}}
{{- define "ollama.resources" -}}
{{- $limits := deepCopy (.Values.resources.limits | default dict) -}}
{{- with .Values.ollama.gpu -}}
{{- if .enabled -}}
{{- $name := eq .type "amd" | ternary "amd.com/gpu" .nvidiaResource -}}
{{- $limits = merge $limits (dict $name (.number | default 1)) -}}
{{- end -}}
{{- end -}}
{{- merge (dict "limits" $limits) .Values.resources | toYaml -}}
{{- end -}}
