"""Every image, run as a pod would run it: another user, a read-only root, and nothing but /tmp."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from ghstream_local.broker import free_port
from ghstream_local.jars import read_lock
from ghstream_local.versions import ROOT
from ghstream_store.database import is_ready, open_store
from ghstream_store.ledger import read_entry
from kafka import KafkaAdminClient, KafkaProducer
from packaging.markers import Marker

from tests.cluster.images import base
from tests.cluster.images.build import build, images
from tests.cluster.images.container import Container, Process, unpack

pytestmark = pytest.mark.timeout(900)
OURS = ("source", "spark", "webapp", "operator")
USER = 10001
Unpacked = Callable[[str], Container]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpacked]:
    """Give an image by its short name, built and unpacked once."""
    with ExitStack() as stack:
        containers: dict[str, Container] = {}
        base_image = base.build()

        def unpacked(name: str) -> Container:
            if name not in containers:
                image = images()[name]
                build(image, base_image)
                folder = tmp_path_factory.mktemp(name)
                containers[name] = stack.enter_context(unpack(image.name, folder))
            return containers[name]

        yield unpacked


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder that the container's user may write to, as an emptyDir is."""
    folder = tmp_path / "volume"
    folder.mkdir()
    shutil.chown(folder, USER, USER)
    for parent in folder.parents:
        if parent.is_relative_to("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return folder


def wait_for(condition: Callable[[], object], process: Process) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        if process.has_ended or time.monotonic() > deadline:
            code = process.stop()
            pytest.fail(f"it did not come about; exit code {code}, it said:\n{process.said}")
        time.sleep(0.2)


def answers(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return ask


@pytest.mark.parametrize("name", OURS)
def test_an_image_names_its_user_by_number_and_says_what_it_is(unpacked, name):
    config = unpacked(name).config
    assert config["User"] == f"{USER}:{USER}"
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert labels["title"] == f"ghstream-{name}"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "0.1.0"
    assert len(labels["revision"]) == 40


@pytest.mark.parametrize("name", OURS)
def test_nothing_of_an_image_belongs_to_its_user(unpacked, name):
    root = unpacked(name).root
    command = ["find", str(root / "opt"), "(", "-uid", str(USER), "-o", "-perm", "/0022", ")"]
    found = subprocess.run([*command, "!", "-type", "l"], capture_output=True, check=True)
    assert found.stdout == b""


@pytest.mark.parametrize("name", OURS)
def test_an_image_holds_its_locked_distributions_and_no_other(unpacked, name):
    program = (
        "import json; from importlib.metadata import distributions as d;"
        "print(json.dumps([[i.name, i.version] for i in d()]))"
    )
    process = unpacked(name).start(entrypoint=["/opt/venv/bin/python", "-c", program])
    assert process.wait() == 0, process.said
    found = json.loads(process.said)
    held = {(name.lower().replace("_", "-"), version) for name, version in found}
    ours = {pair for pair in held if pair[0].startswith("ghstream-")}
    assert held - ours == locked(name)
    assert (f"ghstream-{name}", "0.1.0") in ours


def locked(name: str) -> set[tuple[str, str]]:
    lines = (ROOT / "locks" / f"{name}.txt").read_text().splitlines()
    requirements = [line.rstrip(" \\") for line in lines if line and not line.startswith(" ")]
    parts = [requirement.partition(" ; ") for requirement in requirements]
    wanted = [pin for pin, _, marker in parts if not marker or Marker(marker).evaluate()]
    return {(pin.split("==")[0], pin.split("==")[1]) for pin in wanted}


@pytest.mark.parametrize(
    ("name", "environ", "arguments", "said"),
    [
        ("source", {"GHSTREAM_SOURCE_TYPE": "none"}, [], "GHSTREAM_SOURCE_TYPE"),
        ("webapp", {}, [], "GHSTREAM_STORE_URL"),
        (
            "spark",
            {"SPARK_DRIVER_BIND_ADDRESS": "127.0.0.1"},
            ["driver", "local:///opt/ghstream/stream.py"],
            "GHSTREAM_SPARK_CHECKPOINT",
        ),
        ("spark", {}, ["executor"], "SPARK_DRIVER_URL"),
    ],
)
def test_wrong_settings_are_named_and_end_with_exit_code_2(
    unpacked, name, environ, arguments, said
):
    process = unpacked(name).start(*arguments, environ=environ)
    assert process.wait() == 2, process.said
    assert said in process.said


def test_sigterm_ends_the_source_with_exit_code_0(unpacked):
    port = free_port()
    process = unpacked("source").start(environ={"GHSTREAM_SOURCE_HTTP_PORT": str(port)})
    wait_for(answers(f"http://127.0.0.1:{port}/livez"), process)
    assert process.stop() == 0, process.said


def test_the_dashboard_is_served_with_its_libraries(unpacked, volume):
    port = free_port()
    environ = {
        "GHSTREAM_STORE_URL": f"sqlite:///{volume}/store.db",
        "GHSTREAM_WEBAPP_PORT": str(port),
        "GHSTREAM_WEBAPP_METRICS_PORT": str(free_port()),
    }
    process = unpacked("webapp").start(environ=environ, writable={str(volume): volume})
    wait_for(answers(f"http://127.0.0.1:{port}/livez"), process)
    assert answers(f"http://127.0.0.1:{port}/static/vendor/echarts/echarts.min.js")()
    assert process.stop() == 0, process.said


def test_the_spark_image_holds_the_locked_jars(unpacked):
    folder = unpacked("spark").root / "opt/venv/lib/python3.11/site-packages/pyspark/jars"
    lock = read_lock()
    for jar in [jar for name in ("spark", "delta", "s3a", "abfss") for jar in lock[name]]:
        content = (folder / jar.file_name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == jar.sha256, jar.coordinates


def test_the_driver_runs_the_application_and_stops_it_in_order(
    unpacked, volume, kafka, topic, postgres_url
):
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()
    event = {"id": "1", "type": "WatchEvent", "created_at": "2015-01-01T00:00:00Z"}
    event |= {"actor": "a", "actor_id": 1, "is_bot": False, "repo": "o/r", "repo_id": 2}
    event |= {"ingested_at": "2015-01-01T00:00:01.000Z"}
    producer = KafkaProducer(bootstrap_servers=kafka)
    producer.send(topic, json.dumps(event).encode()).get(timeout=30)
    producer.close()
    (volume / "spark.properties").write_text("spark.master=local[1]\nspark.driver.memory=512m\n")
    process = unpacked("spark").start(
        *("driver", "--properties-file", f"{volume}/spark.properties"),
        *("--class", "org.apache.spark.deploy.PythonRunner", "local:///opt/ghstream/stream.py"),
        environ={
            "GHSTREAM_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "GHSTREAM_TOPIC": topic,
            "GHSTREAM_STORE_URL": postgres_url,
            "GHSTREAM_SPARK_CHECKPOINT": f"{volume}/checkpoint",
            "GHSTREAM_SPARK_HTTP_PORT": str(free_port()),
            "SPARK_DRIVER_BIND_ADDRESS": "127.0.0.1",
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        writable={str(volume): volume},
    )
    store = open_store(postgres_url)

    def merged() -> bool:
        if not is_ready(store):
            return False
        with store.connect() as connection:
            entry = read_entry(connection, topic)
        return entry is not None and entry.events == 1

    wait_for(merged, process)
    assert process.stop() == 0, process.said
    assert "ERROR" not in process.said
    store.dispose()


def test_the_kafka_stand_in_formats_starts_and_answers(unpacked, volume):
    shutil.chown(volume, 1000, 1000)
    port, controller = free_port(), free_port()
    (volume / "server.properties").write_text(
        "process.roles=broker,controller\nnode.id=1\n"
        f"controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n"
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        "controller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
        f"log.dirs={volume}/logs\noffsets.topic.replication.factor=1\n"
    )
    options = {"user": "1000:1000", "writable": {str(volume): volume}}
    kafka = unpacked("kafka")

    def tool(name: str, *arguments: str) -> tuple[int, str]:
        process = kafka.start(*arguments, entrypoint=[f"/opt/kafka/bin/{name}.sh"], **options)
        return process.wait(), process.said

    configuration = f"{volume}/server.properties"
    cluster = "MkU3OEVBNTcwNTJENDM2Qk"
    code, said = tool("kafka-storage", "format", "--standalone", "-t", cluster, "-c", configuration)
    assert code == 0, said
    server = kafka.start(
        configuration,
        entrypoint=["/opt/kafka/bin/kafka-server-start.sh"],
        environ={"KAFKA_HEAP_OPTS": "-Xmx256m"},
        **options,
    )
    address = f"--bootstrap-server=127.0.0.1:{port}"
    wait_for(lambda: tool("kafka-broker-api-versions", address)[0] == 0, server)
    assert tool("kafka-topics", address, "--create", "--topic", "t", "--partitions", "3")[0] == 0
    code, said = tool("kafka-topics", address, "--describe", "--topic", "t")
    assert code == 0
    assert "PartitionCount: 3" in said
    assert server.stop() in {0, 128 + signal.SIGTERM}, server.said


def test_the_postgres_stand_in_makes_the_database_and_finds_it_again(unpacked, volume, tmp_path):
    shutil.chown(volume, 999, 999)
    (volume / "password").write_text("secret")
    run = tmp_path / "run"
    run.mkdir(mode=0o777)
    run.chmod(0o777)
    port = free_port()

    def start() -> Process:
        return unpacked("postgres").start(
            *("postgres", "-p", str(port)),
            user="999:999",
            environ={
                "POSTGRES_USER": "ghstream",
                "POSTGRES_PASSWORD_FILE": f"{volume}/password",
                "POSTGRES_DB": "figures",
                "PGDATA": f"{volume}/data",
            },
            writable={str(volume): volume, "/var/run/postgresql": run},
        )

    def execute(statement: str) -> None:
        url = f"postgresql://ghstream:secret@127.0.0.1:{port}/figures"
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute(statement)

    def is_up() -> bool:
        try:
            execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    for statement in ("CREATE TABLE kept (n integer)", "SELECT * FROM kept"):
        server = start()
        wait_for(is_up, server)
        execute(statement)
        assert server.stop(signal.SIGINT) == 0, server.said
