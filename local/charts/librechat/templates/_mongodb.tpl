{{- /* Upstream a subchart: it takes its names from the release, not from fullnameOverride. */ -}}
{{- define "mongodb.fullname" -}}
{{- contains "mongodb" .Release.Name | ternary .Release.Name (printf "%s-mongodb" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Not empty for a replica set. */ -}}
{{- define "mongodb.replicated" -}}
{{- if eq .Values.mongodb.architecture "replicaset" -}}
{{- if .Values.mongodb.arbiter.enabled -}}
{{- fail "the stand-in chart knows no arbiter: set mongodb.arbiter.enabled to false" -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{- define "mongodb.service" -}}
{{- include "mongodb.fullname" . }}{{ if include "mongodb.replicated" . }}-headless{{ end -}}
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

{{- define "mongodb.pullSecrets" -}}
{{- with .Values.mongodb.global.imagePullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What the init container and the server have in common. */ -}}
{{- define "mongodb.container" -}}
{{- with .Values.mongodb -}}
{{- if and .global.imageRegistry (not .global.security.allowInsecureImages) -}}
{{- fail "mongodb.global.security.allowInsecureImages has to be true for images of another registry" -}}
{{- end -}}
image: {{ .global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ .image.tag }}
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
{{- $replicated := include "mongodb.replicated" . -}}
{{- with .Values.mongodb.auth -}}
- {name: BITNAMI_DEBUG, value: "false"}
{{- if $replicated }}
- {name: MY_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: MY_POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: MY_POD_HOST_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
- name: MONGODB_INITIAL_PRIMARY_HOST
  value: {{ include "mongodb.fullname" $ }}-0.{{ include "mongodb.service" $ }}.$(MY_POD_NAMESPACE).svc.cluster.local
- {name: MONGODB_REPLICA_SET_NAME, value: {{ quote $.Values.mongodb.replicaSetName }}}
- name: MONGODB_ADVERTISED_HOSTNAME
  value: $(MY_POD_NAME).{{ include "mongodb.service" $ }}.$(MY_POD_NAMESPACE).svc.cluster.local
{{- end }}
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
{{- if $replicated }}
- {name: MONGODB_REPLICA_SET_KEY_FILE, value: /opt/bitnami/mongodb/secrets/mongodb-replica-set-key}
{{- end }}
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
