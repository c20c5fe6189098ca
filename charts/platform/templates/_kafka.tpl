{{/* The host name of one Kafka node. Takes: root, node. */}}
{{- define "platform.kafkaHost" -}}
{{- $name := printf "%s-kafka" (include "platform.fullname" .root) -}}
{{- printf "%s-%d.%s-nodes.%s.svc" $name .node $name .root.Release.Namespace -}}
{{- end -}}

{{/* server.properties of one node. Takes: root, node.

A file for each, so that the same image and command serve all and no shell writes one at start. */}}
{{- define "platform.kafkaProperties" -}}
{{- $root := .root -}}
{{- $nodes := .root.Values.kafka.nodes | int -}}
{{- $voters := list -}}
{{- range $node := until $nodes -}}
{{- $voters = append $voters (printf "%d@%s:9093" $node (include "platform.kafkaHost" (dict "root" $root "node" $node))) -}}
{{- end -}}
{{- $majority := add (div $nodes 2) 1 -}}
{{- $own := dict
  "process.roles" "broker,controller"
  "node.id" .node
  "controller.quorum.voters" (join "," $voters)
  "controller.listener.names" "CONTROLLER"
  "listeners" "CLIENT://:9092,CONTROLLER://:9093"
  "advertised.listeners" (printf "CLIENT://%s:9092" (include "platform.kafkaHost" .))
  "inter.broker.listener.name" "CLIENT"
  "listener.security.protocol.map" "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT"
  "log.dirs" "/var/lib/kafka/data"
  "auto.create.topics.enable" "false"
  "default.replication.factor" $nodes
  "min.insync.replicas" $majority
  "offsets.topic.replication.factor" $nodes
  "transaction.state.log.replication.factor" $nodes
  "transaction.state.log.min.isr" $majority
  "share.coordinator.state.topic.replication.factor" $nodes
  "share.coordinator.state.topic.min.isr" $majority
  "offsets.topic.num.partitions" 10
  "transaction.state.log.num.partitions" 10
  "log.cleaner.dedupe.buffer.size" 4194304
  "group.initial.rebalance.delay.ms" 0 -}}
{{- range $name, $value := mergeOverwrite $own (deepCopy .root.Values.kafka.config) }}
{{ $name }}={{ $value }}
{{- end }}
{{- end -}}

{{/* What the scripts of Kafka's image read. Takes the root. */}}
{{- define "platform.kafkaEnv" -}}
- name: NODE
  valueFrom:
    fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}
- {name: KAFKA_HEAP_OPTS, value: {{ .Values.kafka.heap | quote }}}
- {name: KAFKA_JVM_PERFORMANCE_OPTS, value: -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError}
- {name: KAFKA_LOG4J_OPTS, value: -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties}
# Logs go to the console; the scripts make the folder all the same. No file of the collector's.
- {name: LOG_DIR, value: /tmp/logs}
- {name: EXTRA_ARGS, value: -name kafkaServer}
{{- end -}}
