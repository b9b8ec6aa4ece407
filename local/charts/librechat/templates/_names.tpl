{{- define "librechat.fullname" -}}
{{- .Values.fullnameOverride | default (printf "%s-librechat" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "librechat.selector" -}}
app.kubernetes.io/name: {{ include "librechat.fullname" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "librechat.labels" -}}
{{ include "librechat.selector" . }}
{{ include "chart.labels" . }}
{{- end -}}

{{- define "librechat.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "librechat.fullname" .) "default") -}}
{{- end -}}

{{- define "chart.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
