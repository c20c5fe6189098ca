{{/* The spec of a SparkApplication. Takes: root, driver, executor.

What Spark's own configuration cannot say goes through pod templates, so that the spark-operator's
webhook is not needed. Almost any change here starts the driver anew. */}}
{{- define "github-stream.sparkSpec" -}}
{{- $root := .root -}}
{{- $values := .root.Values.spark -}}
type: Python
pythonVersion: "3"
mode: cluster
sparkVersion: 4.2.0
image: {{ include "github-stream.image" (dict "root" .root "image" $values.image) | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
mainApplicationFile: local:///opt/ghstream/stream.py
restartPolicy:
  {{- if eq $values.mode "continuous" }}
  # Told to stop (an eviction, a drained node), the driver ends with 0, and has to come back.
  type: Always
  {{- else }}
  type: OnFailure
  onFailureRetries: {{ $values.scheduledRetries | int64 }}
  onSubmissionFailureRetries: {{ $values.scheduledRetries | int64 }}
  {{- end }}
  onFailureRetryInterval: {{ $values.retryIntervalSeconds | int64 }}
  onSubmissionFailureRetryInterval: {{ $values.retryIntervalSeconds | int64 }}
sparkConf:
  {{- include "github-stream.sparkConf" .root | trim | nindent 2 }}
{{- with $values.hadoopConf }}
hadoopConf:
  {{- toYaml . | nindent 2 }}
{{- end }}
driver:
  {{- include "github-stream.sparkPod" (merge (dict "values" $values.driver) .driver) | nindent 2 }}
  template:
    spec:
      automountServiceAccountToken: true
      {{- include "github-stream.podSpec" .driver | trim | nindent 6 }}
      containers:
        - name: spark-kubernetes-driver
          {{- $env := include "github-stream.driverEnv" .root }}
          {{- $pod := include "github-stream.withObjectStore" .driver | fromJson }}
          {{- include "github-stream.env" (dict "pod" $pod "env" $env) | trim | nindent 10 }}
          ports:
            - {name: metrics, containerPort: 9102}
          # Spark needs its time to start, more so where the CPU is scarce.
          startupProbe:
            {{- include "github-stream.probe" (dict "path" "/livez" "port" "metrics" "periodSeconds" 5 "failureThreshold" 60) | nindent 12 }}
          livenessProbe:
            {{- include "github-stream.probe" (dict "path" "/livez" "port" "metrics" "failureThreshold" 6) | nindent 12 }}
          readinessProbe:
            {{- include "github-stream.probe" (dict "path" "/readyz" "port" "metrics" "periodSeconds" 5) | nindent 12 }}
          securityContext:
            {{- toYaml .driver.pod.containerSecurityContext | nindent 12 }}
          volumeMounts:
            {{- include "github-stream.volumeMounts" .driver | nindent 12 }}
            {{- if not $values.checkpoint.url }}
            {{- include "github-stream.checkpointMount" .root | nindent 12 }}
            {{- end }}
      volumes:
        {{- include "github-stream.volumes" .driver | nindent 8 }}
        {{- if not $values.checkpoint.url }}
        {{- include "github-stream.checkpointVolume" .root | nindent 8 }}
        {{- end }}
executor:
  instances: {{ $values.executor.instances | int64 }}
  {{- include "github-stream.sparkPod" (merge (dict "values" $values.executor) .executor) | nindent 2 }}
  {{- /* Executors write to the checkpoint only what a stream remembers. */}}
  {{- $remembers := and $values.deduplicate (not $values.checkpoint.url) }}
  template:
    spec:
      automountServiceAccountToken: false
      {{- include "github-stream.podSpec" .executor | trim | nindent 6 }}
      containers:
        - name: spark-kubernetes-executor
          {{- $pod := include "github-stream.withObjectStore" .executor | fromJson }}
          {{- with include "github-stream.env" (dict "pod" $pod "env" "[]") | trim }}
          {{- . | nindent 10 }}
          {{- end }}
          securityContext:
            {{- toYaml .executor.pod.containerSecurityContext | nindent 12 }}
          volumeMounts:
            {{- include "github-stream.volumeMounts" .executor | nindent 12 }}
            {{- if $remembers }}
            {{- include "github-stream.checkpointMount" .root | nindent 12 }}
            {{- end }}
      volumes:
        {{- include "github-stream.volumes" .executor | nindent 8 }}
        {{- if $remembers }}
        {{- include "github-stream.checkpointVolume" .root | nindent 8 }}
        {{- end }}
{{- end -}}

{{/* What driver and executor have alike. Takes: root, component, name, pod, values. */}}
{{- define "github-stream.sparkPod" -}}
cores: {{ .values.cores | int64 }}
coreRequest: {{ .values.coreRequest | quote }}
{{- with .values.coreLimit }}
coreLimit: {{ . | quote }}
{{- end }}
memory: {{ .values.memory }}
memoryOverhead: {{ .values.memoryOverhead }}
{{- with .values.javaOptions }}
javaOptions: {{ . | quote }}
{{- end }}
serviceAccount: {{ include "github-stream.serviceAccountName" . }}
{{- /* Here and not in the template, where the application's own labels would go before them. */}}
labels:
  {{- include "github-stream.podLabels" . | nindent 2 }}
{{- with .pod.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A driver that is not ready is not in its service yet, and executors that cannot find it give up. The chart has
network policies of its own, and the submitter no right to make Spark's. */ -}}
{{- define "github-stream.sparkConf" -}}
{{- $own := dict
  "spark.kubernetes.executor.useDriverPodIP" "true"
  "spark.kubernetes.driver.pod.excludedFeatureSteps" "org.apache.spark.deploy.k8s.features.NetworkPolicyFeatureStep"
  "spark.ui.showConsoleProgress" "false"
  "spark.ui.retainedJobs" "50"
  "spark.ui.retainedStages" "50"
  "spark.ui.retainedTasks" "500"
  "spark.sql.ui.retainedExecutions" "10"
  "spark.kubernetes.executor.disableConfigMap" "true"
  "spark.kubernetes.driver.service.deleteOnTermination" "false"
  "spark.kubernetes.driver.ownPersistentVolumeClaim" "false"
  "spark.kubernetes.driver.reusePersistentVolumeClaim" "false" -}}
{{- range $name, $value := mergeOverwrite $own (deepCopy .Values.spark.sparkConf) }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "github-stream.driverEnv" -}}
{{ include "github-stream.kafkaEnv" . }}
{{ include "github-stream.storeEnv" . }}
{{- with .Values.spark }}
- name: GHSTREAM_SPARK_CHECKPOINT
  value: {{ .checkpoint.url | default "file:///var/lib/ghstream/checkpoint" | quote }}
- name: GHSTREAM_SPARK_TRIGGER
  value: {{ ternary .trigger "availableNow" (eq .mode "continuous") | quote }}
- name: GHSTREAM_SPARK_MAX_OFFSETS_PER_TRIGGER
  value: {{ .maxOffsetsPerTrigger | int64 | quote }}
- name: GHSTREAM_SPARK_SHUFFLE_PARTITIONS
  value: {{ .shufflePartitions | int64 | quote }}
{{- with .deduplicate }}
- name: GHSTREAM_SPARK_DEDUPLICATE
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.store.retention }}
- name: GHSTREAM_RETENTION_MINUTE
  value: {{ .minute | int64 | quote }}
- name: GHSTREAM_RETENTION_HOUR
  value: {{ .hour | int64 | quote }}
{{- end }}
{{- end -}}

{{/* The pod's settings with the object store's credentials among its sources of variables. */}}
{{- define "github-stream.withObjectStore" -}}
{{- $pod := .pod -}}
{{- with .root.Values.spark.objectStore.secretRef.name -}}
{{- $source := dict "secretRef" (dict "name" .) -}}
{{- $pod = mergeOverwrite (deepCopy $pod) (dict "envFrom" (append $pod.envFrom $source)) -}}
{{- end -}}
{{- toJson $pod -}}
{{- end -}}

{{- define "github-stream.checkpointMount" -}}
- name: checkpoint
  mountPath: /var/lib/ghstream
{{- end -}}

{{- define "github-stream.checkpointVolume" -}}
- name: checkpoint
  persistentVolumeClaim:
    claimName: {{ .Values.spark.checkpoint.persistentVolumeClaim.existingClaim | default (printf "%s-checkpoint" (include "github-stream.fullname" .)) | quote }}
{{- end -}}
