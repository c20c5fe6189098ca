#!/bin/sh
# Every command of /opt/kafka/bin is a link to this one; its name says which class it runs.
set -eu
command=$(basename "$0" .sh)
heap=-Xmx256M
case ${command#kafka-} in
  server-start) class=kafka.Kafka heap='-Xmx1G -Xms1G' ;;
  storage) class=kafka.tools.StorageTool ;;
  topics) class=org.apache.kafka.tools.TopicCommand ;;
  configs) class=kafka.admin.ConfigCommand ;;
  broker-api-versions) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
  metadata-quorum) class=org.apache.kafka.tools.MetadataQuorumCommand ;;
  console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
  console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
  run-class) class=$1; shift ;;
esac
logging=${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties}
# These hold several options each.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-$heap} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} $logging \
  -cp "/opt/kafka/libs/*${CLASSPATH:+:$CLASSPATH}" "$class" "$@"
