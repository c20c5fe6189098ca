"""The Apache Kafka broker on one machine: one KRaft node, broker and controller in one JVM."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

HEAP = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
LOGGING = Path(__file__).with_name("log4j2-kafka.properties")


class BrokerError(RuntimeError):
    """The broker's data could not be prepared."""


@dataclass(frozen=True)
class Broker:
    """Where one broker listens and keeps its data. `jars` is the folder of its classes."""

    jars: Path
    data: Path
    port: int
    controller_port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """The bootstrap address, host:port."""
        return f"{self.host}:{self.port}"

    def prepare(self) -> None:
        """Write the configuration and, the first time, format the log folder.

        Raises BrokerError with what Kafka says.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self._configuration(), encoding="utf-8")
        if not (self.data / "logs" / "meta.properties").exists():
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            command = self._java("kafka.tools.StorageTool", "format", "--standalone")
            # One argument, since one identifier in 64 begins with a dash.
            command += [f"--cluster-id={cluster_id}", "-c", str(self._properties)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (done.stdout + done.stderr).strip()
                raise BrokerError(f"Kafka could not format {self.data / 'logs'}: {said}")

    def command(self) -> list[str]:
        """Return the command line that runs the broker in the foreground until SIGTERM."""
        return self._java("kafka.Kafka", str(self._properties))

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    def _java(self, main: str, *arguments: str) -> list[str]:
        classes = f"{self.jars}/*"
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return ["java", *HEAP, logging, "-cp", classes, main, *arguments]

    def _configuration(self) -> str:
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": f"{self.host}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.data / "logs",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # The default of 128 MB is a small heap's usual end.
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
            # After a kill -9 the node is let in again only when its former self has timed out.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "num.network.threads": 2,
            "num.io.threads": 2,
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


def wait_until_ready(address: str, timeout: float) -> None:
    """Return once the broker at `address` answers a metadata request.

    An open port is not enough. Raises TimeoutError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            admin = KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=2000)
        except (KafkaError, OSError):
            time.sleep(0.2)
            continue
        try:
            admin.describe_cluster()
        except KafkaError:
            time.sleep(0.2)
        else:
            return
        finally:
            admin.close()
    raise TimeoutError(f"Kafka at {address} did not answer within {timeout:.0f} s")


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nothing listens on at `host` now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
