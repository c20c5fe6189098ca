"""The topics of a stream, made where they are missing."""

from __future__ import annotations

import logging
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from ghstream_source.settings import Settings

log = logging.getLogger(__name__)

MONTH_MS = 30 * 24 * 3600 * 1000


def wanted(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return each topic's shape as KafkaAdminClient.create_topics takes it."""
    month = {"retention.ms": str(MONTH_MS)}
    shapes: dict[str, tuple[int, dict[str, str]]] = {
        settings.topic: (settings.partitions, {}),
        settings.dead_letter_topic: (1, month),
        settings.coverage_topic: (1, month),
        settings.state_topic: (1, {"cleanup.policy": "compact"}),
    }
    if settings.raw:
        shapes[settings.raw_topic] = (settings.partitions, {})
    return {
        name: {
            "num_partitions": partitions,
            "replication_factor": settings.replication,
            "configs": configs,
        }
        for name, (partitions, configs) in shapes.items()
    }


def create_missing(admin: KafkaAdminClient, settings: Settings) -> None:
    """Create the topics that are not there; leave those that are as they are."""
    present = set(admin.list_topics())
    for name, shape in wanted(settings).items():
        if name in present:
            continue
        try:
            admin.create_topics({name: shape}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            continue
        log.info("Created topic %s with %d partitions", name, shape["num_partitions"])
