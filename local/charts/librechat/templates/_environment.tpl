{{- /* The addresses of the parts that are on, unless configEnv has its own; then configEnv as it stands. */ -}}
{{- define "librechat.environment" -}}
{{- $environment := dict -}}
{{- if .Values.meilisearch.enabled -}}
{{- $_ := set $environment "MEILI_HOST" (printf "http://%s.%s.svc.cluster.local:7700" (include "meilisearch.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- if .Values.mongodb.enabled -}}
{{- $_ := set $environment "MONGO_URI" (printf "mongodb://%s.%s.svc.cluster.local:27017/LibreChat" (include "mongodb.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- range $name, $value := .Values.librechat.configEnv -}}
{{- $_ := set $environment $name $value -}}
{{- end -}}
{{- toYaml $environment -}}
{{- end -}}
