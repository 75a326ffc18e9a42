{{/* The release's operator is one per cluster, so its names are fixed: the agents' RBAC and the Lease rely on them. */}}
{{- define "keyward.operator" -}}
keyward-operator
{{- end }}

{{- define "keyward.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "keyward.operator" .) }}
{{- end }}

{{- define "keyward.labels" -}}
{{ include "keyward.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: keyward
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "keyward.selectorLabels" -}}
app.kubernetes.io/name: keyward
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Call with (dict "image" <image values> "root" $). */}}
{{- define "keyward.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* What the Pod Security level `restricted` asks for, and more. */}}
{{- define "keyward.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "keyward.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The settings file; keyward_api.tenants.PlatformSettings reads it and refuses what it does not know. */}}
{{- define "keyward.settings" -}}
clusterDomain: {{ .Values.clusterDomain | quote }}
clusterName: {{ .Values.clusterName | quote }}
agents:
  image: {{ include "keyward.image" (dict "image" .Values.agents.image "root" $) | quote }}
  imagePullPolicy: {{ .Values.agents.image.pullPolicy }}
  imagePullSecrets: {{ .Values.agents.imagePullSecrets | toJson }}
  env: {{ .Values.agents.env | toJson }}
  caBundle: {{ .Values.agents.caBundle | toJson }}
  networkPolicy: {{ .Values.agents.networkPolicy | toJson }}
certificateAuthorities: {{ .Values.certificateAuthorities | toJson }}
tenants: {{- .Values.tenants | toPrettyJson | nindent 2 }}
{{- end }}
