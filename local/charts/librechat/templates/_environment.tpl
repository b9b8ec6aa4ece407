{{- /* The addresses of the parts that are on, unless configEnv has its own; then configEnv as it stands. */ -}}
{{- define "librechat.environment" -}}
{{- $environment := dict -}}
{{- if .Values.meilisearch.enabled -}}
{{- $_ := set $environment "MEILI_HOST" (printf "http://%s.%s.svc.cluster.local:7700" (include "meilisearch.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- if .Values.mongodb.enabled -}}
{{- $_ := set $environment "MONGO_URI" (printf "mongodb://%s.%s.svc.cluster.local:27017/LibreChat" (include "mongodb.service" .) .Release.Namespace) -}}
{{- end -}}
{{- if .Values.redis.enabled -}}
{{- $_ := set $environment "USE_REDIS" "true" -}}
{{- $_ := set $environment "REDIS_URI" (printf "redis://%s-master.%s.svc.cluster.local:6379" (include "redis.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- range $name, $value := .Values.librechat.configEnv -}}
{{- $_ := set $environment $name $value -}}
{{- end -}}
{{- toYaml $environment -}}
{{- end -}}
