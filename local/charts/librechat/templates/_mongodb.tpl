{{- /* Upstream a subchart: it takes its names from the release, not from fullnameOverride. */ -}}
{{- define "mongodb.fullname" -}}
{{- contains "mongodb" .Release.Name | ternary .Release.Name (printf "%s-mongodb" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "mongodb.selector" -}}
app.kubernetes.io/name: mongodb
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: mongodb
{{- end -}}

{{- define "mongodb.labels" -}}
{{ include "mongodb.selector" . }}
{{ include "chart.labels" . }}
{{- end -}}

{{- define "mongodb.secret" -}}
{{- if and .Values.mongodb.auth.enabled (not .Values.mongodb.auth.existingSecret) -}}
{{- fail "the stand-in chart makes no Secret: name one in mongodb.auth.existingSecret" -}}
{{- end -}}
{{- .Values.mongodb.auth.existingSecret | default (include "mongodb.fullname" .) -}}
{{- end -}}

{{- /* What the init container and the server have in common. */ -}}
{{- define "mongodb.container" -}}
{{- with .Values.mongodb -}}
image: {{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}
imagePullPolicy: {{ .image.pullPolicy }}
securityContext: {{- toYaml .containerSecurityContext | nindent 2 }}
{{- if .resources }}
resources: {{- toYaml .resources | nindent 2 }}
{{- else if eq .resourcesPreset "small" }}
resources:
  requests: {cpu: 500m, memory: 512Mi, ephemeral-storage: 50Mi}
  limits: {cpu: 750m, memory: 768Mi, ephemeral-storage: 2Gi}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Passwords are read from files, so that none is in the environment. */ -}}
{{- define "mongodb.env" -}}
{{- with .Values.mongodb.auth -}}
- {name: BITNAMI_DEBUG, value: "false"}
{{- if .usernames }}
- {name: MONGODB_EXTRA_USERNAMES, value: {{ join "," .usernames | quote }}}
- {name: MONGODB_EXTRA_DATABASES, value: {{ join "," .databases | quote }}}
{{- if .enabled }}
- {name: MONGODB_EXTRA_PASSWORDS_FILE, value: /opt/bitnami/mongodb/secrets/mongodb-passwords}
{{- end }}
{{- end }}
{{- if .enabled }}
- {name: MONGODB_ROOT_USER, value: {{ quote .rootUser }}}
- {name: MONGODB_ROOT_PASSWORD_FILE, value: /opt/bitnami/mongodb/secrets/mongodb-root-password}
{{- end }}
- {name: ALLOW_EMPTY_PASSWORD, value: {{ .enabled | ternary "no" "yes" | quote }}}
- {name: MONGODB_SYSTEM_LOG_VERBOSITY, value: "0"}
- {name: MONGODB_DISABLE_SYSTEM_LOG, value: "no"}
- {name: MONGODB_DISABLE_JAVASCRIPT, value: "no"}
- {name: MONGODB_ENABLE_JOURNAL, value: "yes"}
- {name: MONGODB_PORT_NUMBER, value: "27017"}
- {name: MONGODB_ENABLE_IPV6, value: "no"}
- {name: MONGODB_ENABLE_DIRECTORY_PER_DB, value: "no"}
{{- end -}}
{{- end -}}
