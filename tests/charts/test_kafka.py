"""The Kafka of charts/platform: its configuration, run by real Kafka on this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ghstream_local import jars
from ghstream_local.broker import free_port, wait_until_ready
from kafka import KafkaAdminClient
from rendering import Case, manifests, one, pods


def test_the_rendered_configuration_runs_a_node(tmp_path: Path) -> None:
    objects = manifests(Case("platform", "minimal"))
    files = one(objects, "ConfigMap")["data"]
    client, controller = free_port(), free_port()
    here = files["server-0.properties"].replace("/var/lib/kafka", str(tmp_path))
    here = here.replace(":9092", f":{client}").replace(":9093", f":{controller}")
    host = re.compile(r"demo-kafka-0\.demo-kafka-nodes\.streams\.svc")
    properties = tmp_path / "server.properties"
    properties.write_text(host.sub("127.0.0.1", here), encoding="utf-8")
    logging = tmp_path / "log4j2.properties"
    logging.write_text(files["log4j2.properties"], encoding="utf-8")

    java = ["java", "-Xmx256m", f"-Dlog4j2.configurationFile={logging}"]
    java += ["-cp", f"{jars.fetch()['kafka']}/*"]
    arguments = format_arguments()
    assert arguments[-1] == "/etc/kafka/server-$(NODE).properties"
    for _ in range(2):  # a pod formats at every start
        command = [*java, "kafka.tools.StorageTool", *arguments[:-1], str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    with (tmp_path / "log").open("wb") as log:
        node = subprocess.Popen([*java, "kafka.Kafka", properties], stdout=log, stderr=log)
    try:
        wait_until_ready(f"127.0.0.1:{client}", timeout=90)
        admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{client}")
        cluster = admin.describe_cluster()
        admin.close()
    finally:
        node.terminate()
        node.wait(timeout=60)
    assert f"--cluster-id={cluster['cluster_id']}" in arguments


def test_three_nodes_know_each_other_and_differ_in_what_is_their_own() -> None:
    objects = manifests(Case("platform", "three-nodes"))
    nodes = [
        dict(line.split("=", 1) for line in text.splitlines())
        for name, text in sorted(one(objects, "ConfigMap")["data"].items())
        if name.startswith("server-")
    ]
    own = ("node.id", "advertised.listeners")
    assert [node["node.id"] for node in nodes] == ["0", "1", "2"]
    shared = [{k: v for k, v in node.items() if k not in own} for node in nodes]
    assert shared[0] == shared[1] == shared[2]
    # The pods' names, as their StatefulSet and its Service give them.
    service = one(objects, "StatefulSet", "demo-kafka")["spec"]["serviceName"]
    hosts = [f"demo-kafka-{number}.{service}.streams.svc" for number in range(3)]
    voters = ",".join(f"{number}@{host}:9093" for number, host in enumerate(hosts))
    assert shared[0]["controller.quorum.voters"] == voters
    assert [n["advertised.listeners"] for n in nodes] == [f"CLIENT://{h}:9092" for h in hosts]
    assert shared[0]["default.replication.factor"] == "3"
    # What the values say goes before what the chart would.
    assert (shared[0]["min.insync.replicas"], shared[0]["log.retention.hours"]) == ("1", "48")


def test_nodes_start_together_and_are_replaced_one_by_one() -> None:
    spec = one(manifests(Case("platform", "three-nodes")), "StatefulSet", "demo-kafka")["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}
    assert spec["minReadySeconds"] > 0


def test_a_changed_configuration_is_another_pod() -> None:
    case = Case("platform", "minimal")
    before, after = (
        one(manifests(case, *more), "StatefulSet", "demo-kafka")["spec"]["template"]["metadata"]
        for more in ((), ("--set-json", 'kafka.config={"log.retention.hours":1}'))
    )
    assert before["labels"] == after["labels"]
    assert before["annotations"] != after["annotations"]


def test_external_kafka_leaves_nothing_of_kafka() -> None:
    assert {pod.owner for pod in pods(manifests(Case("platform", "external")))} == {
        "demo-postgresql",
        "demo-test-postgresql",
    }


def format_arguments() -> Sequence[str]:
    stateful = one(manifests(Case("platform", "minimal")), "StatefulSet", "demo-kafka")
    (container,) = stateful["spec"]["template"]["spec"]["initContainers"]
    arguments: list[str] = container["args"]
    return arguments
