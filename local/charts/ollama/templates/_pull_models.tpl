{{- /* Shell that waits for the server, then pulls one model after another: no pod runs it on the local cluster. */ -}}
{{- define "ollama.pullModels" -}}
while ! /bin/ollama ps > /dev/null 2>&1; do
  sleep 5
done
{{- range .Values.ollama.models.pull }}

/bin/ollama pull {{ $.Values.ollama.insecure | ternary "--insecure" "" }} {{ . }}
{{- end }}
{{- range .Values.ollama.models.run }}

/bin/ollama run {{ . }}
{{- end }}
{{- end -}}
