"""Kafka's connection as kafka-python names it."""

from __future__ import annotations

from typing import Any

from ghstream_runtime.settings import Kafka


def client_options(kafka: Kafka) -> dict[str, Any]:
    """Return the keyword arguments that every kafka-python client takes."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": kafka.sasl_password,
        }
    if kafka.ssl_cafile:
        options["ssl_cafile"] = kafka.ssl_cafile
    return options
