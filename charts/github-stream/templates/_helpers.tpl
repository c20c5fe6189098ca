{{/* What every object's name begins with. */}}
{{- define "github-stream.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* Labels that select a component's pods. Takes: root, component. */}}
{{- define "github-stream.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object. Takes: root, component. */}}
{{- define "github-stream.labels" -}}
{{ include "github-stream.selector" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object. Takes: root, component, name (what follows the full name). */}}
{{- define "github-stream.metadata" -}}
name: {{ include "github-stream.fullname" .root }}{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "github-stream.labels" . | nindent 2 }}
{{- end -}}

{{/* Labels of a component's pods. Takes: root, component, pod. */}}
{{- define "github-stream.podLabels" -}}
{{- $own := include "github-stream.selector" . | fromYaml -}}
{{- toYaml (merge $own .pod.labels) -}}
{{- end -}}

{{/* An image's reference. Takes: root, image. */}}
{{- define "github-stream.image" -}}
{{- with .image.registry }}{{ . }}/{{ end -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- with .image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The settings of `pod` with a component's own over them, as JSON. Takes: root, own. */}}
{{- define "github-stream.pod" -}}
{{- toJson (mergeOverwrite (deepCopy .root.Values.pod) (deepCopy .own)) -}}
{{- end -}}

{{/* The service account's name. Takes: root, pod, name (what follows the full name). */}}
{{- define "github-stream.serviceAccountName" -}}
{{- .pod.serviceAccount.name | default (printf "%s%s" (include "github-stream.fullname" .root) .name) -}}
{{- end -}}

{{/* A service account that holds no rights by itself. Takes: root, component, pod, name. */}}
{{- define "github-stream.serviceAccount" -}}
{{- if not .pod.serviceAccount.name -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "github-stream.metadata" . | nindent 2 }}
  {{- with .pod.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/* What of a pod's spec is the same for every component. Takes: pod. */}}
{{- define "github-stream.podSpec" -}}
{{- with .pod.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .pod.terminationGracePeriodSeconds | int64 }}
securityContext:
  {{- toYaml .pod.securityContext | nindent 2 }}
enableServiceLinks: false
{{- with .pod.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Environment variables: the chart's, unless the user's have the same name. Takes: pod, env (YAML). */}}
{{- define "github-stream.env" -}}
{{- $names := dict -}}
{{- range .pod.env }}{{ $_ := set $names .name true }}{{ end -}}
{{- $env := .pod.env -}}
{{- range (.env | fromYamlArray | reverse) -}}
{{- if not (hasKey $names .name) }}{{ $env = prepend $env . }}{{ end -}}
{{- end -}}
{{- with $env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* How a container reaches Kafka. Takes the root. */}}
{{- define "github-stream.kafkaEnv" -}}
- name: GHSTREAM_TOPIC
  value: {{ .Values.topic.name | quote }}
- name: GHSTREAM_LOG_LEVEL
  value: {{ .Values.logLevel }}
- name: GHSTREAM_KAFKA_BOOTSTRAP_SERVERS
  value: {{ .Values.kafka.bootstrapServers | quote }}
- name: GHSTREAM_KAFKA_SECURITY_PROTOCOL
  value: {{ .Values.kafka.securityProtocol }}
{{- if hasPrefix "SASL" .Values.kafka.securityProtocol }}
- name: GHSTREAM_KAFKA_SASL_MECHANISM
  value: {{ .Values.kafka.sasl.mechanism }}
{{- with .Values.kafka.sasl.secretRef }}
- name: GHSTREAM_KAFKA_SASL_USERNAME
  valueFrom:
    secretKeyRef: {name: {{ .name | quote }}, key: {{ .usernameKey | quote }}}
- name: GHSTREAM_KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .name | quote }}, key: {{ .passwordKey | quote }}}
{{- end }}
{{- end }}
{{- if include "github-stream.kafkaCa" . }}
- name: GHSTREAM_KAFKA_SSL_CAFILE
  value: /etc/ghstream/kafka/ca.crt
{{- end }}
{{- end -}}

{{/* Where the figures are kept. Takes the root. */}}
{{- define "github-stream.storeEnv" -}}
- name: GHSTREAM_STORE_URL
  valueFrom:
    secretKeyRef: {name: {{ .Values.store.urlSecretRef.name | quote }}, key: {{ .Values.store.urlSecretRef.key | quote }}}
{{- end -}}

{{/* The name of the Secret with Kafka's authority, if one is needed. Takes the root. */}}
{{- define "github-stream.kafkaCa" -}}
{{- if hasSuffix "SSL" .Values.kafka.securityProtocol }}{{ .Values.kafka.tls.caSecretRef.name }}{{ end -}}
{{- end -}}

{{/* Volumes of every pod: what is writable, Kafka's authority, the user's. Takes: root, pod. */}}
{{- define "github-stream.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with include "github-stream.kafkaCa" .root }}
- name: kafka-ca
  secret:
    secretName: {{ . | quote }}
    items:
      - {key: {{ $.root.Values.kafka.tls.caSecretRef.key | quote }}, path: ca.crt}
{{- end }}
{{- with .pod.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where they are mounted. Takes: root, pod. */}}
{{- define "github-stream.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "github-stream.kafkaCa" .root }}
- name: kafka-ca
  mountPath: /etc/ghstream/kafka
  readOnly: true
{{- end }}
{{- with .pod.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe of an HTTP path. Takes: path, port, and what else the probe has. */}}
{{- define "github-stream.probe" -}}
httpGet: {path: {{ .path }}, port: {{ .port }}}
timeoutSeconds: 5
{{- with .periodSeconds }}
periodSeconds: {{ . }}
{{- end }}
{{- with .failureThreshold }}
failureThreshold: {{ . }}
{{- end }}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "github-stream.urlPort" -}}
{{- $url := urlParse . -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end -}}

{{/* Egress to ports anywhere. Takes a list of ports. */}}
{{- define "github-stream.egress" -}}
{{- with . }}
- ports:
    {{- range uniq . }}
    - {protocol: TCP, port: {{ . | int64 }}}
    {{- end }}
{{- end }}
{{- end -}}

{{/* Egress that every pod needs: names, and what the user adds. Takes the root. */}}
{{- define "github-stream.commonEgress" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The ports of Kafka's bootstrap servers, separated by blanks. Takes the root. */}}
{{- define "github-stream.kafkaPorts" -}}
{{- range regexFindAll ":[0-9]+" .Values.kafka.bootstrapServers -1 }}{{ trimPrefix ":" . }} {{ end -}}
{{- end -}}
