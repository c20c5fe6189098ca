{{/* What every object's name begins with. */}}
{{- define "platform.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* Labels that select a component's pods. Takes: root, component. */}}
{{- define "platform.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Metadata of an object. Takes: root, component, name (what follows the full name). */}}
{{- define "platform.metadata" -}}
name: {{ include "platform.fullname" .root }}{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "platform.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: github-stream
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Metadata of a component's pods. Takes: root, component, pod. */}}
{{- define "platform.podMetadata" -}}
{{- $own := include "platform.selector" . | fromYaml -}}
labels:
  {{- toYaml (merge $own .pod.labels) | nindent 2 }}
{{- with .pod.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An image's reference. Takes: root, image. */}}
{{- define "platform.image" -}}
{{- with .image.registry }}{{ . }}/{{ end -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- with .image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The settings of `pod` with a component's own over them, as JSON. Takes: root, own. */}}
{{- define "platform.pod" -}}
{{- toJson (mergeOverwrite (deepCopy .root.Values.pod) (deepCopy .own)) -}}
{{- end -}}

{{/* What of a pod's spec is the same for every component. Takes: pod. */}}
{{- define "platform.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .pod.terminationGracePeriodSeconds | int64 }}
securityContext:
  {{- toYaml .pod.securityContext | nindent 2 }}
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
{{- end -}}

{{/* Environment variables: the chart's, unless the user's have the same name. Takes: pod, env (YAML). */}}
{{- define "platform.env" -}}
{{- $names := dict -}}
{{- range .pod.env }}{{ $_ := set $names .name true }}{{ end -}}
{{- $env := .pod.env -}}
{{- range (.env | fromYamlArray | reverse) -}}
{{- if not (hasKey $names .name) }}{{ $env = prepend $env . }}{{ end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* A StatefulSet's volumes. Takes: root, component, storage. */}}
{{- define "platform.volumeClaims" -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ ternary "Delete" "Retain" .storage.deleteWithRelease }}
  whenScaled: Retain
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "platform.selector" . | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storage.storageClassName }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ .storage.size }}
{{- end -}}
