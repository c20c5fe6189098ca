"""The Spark part of a stream, against the spark-operator's own definitions."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml
from go_modules import SPARK_OPERATOR, module
from rendering import (
    CASES,
    KUBERNETES_VERSIONS,
    ROOT,
    Case,
    check_schema,
    environment,
    manifests,
    one,
    pods,
    spark_spec,
)

KINDS = {
    "SparkApplication": "sparkapplications",
    "ScheduledSparkApplication": "scheduledsparkapplications",
}
STREAMS = [case for case in CASES if case.chart == "github-stream"]
every_stream = pytest.mark.parametrize("case", STREAMS, ids=str)


@every_stream
def test_the_application_fits_the_custom_resource_definition(case: Case) -> None:
    application = spark_application(case)
    jsonschema.Draft202012Validator(resource_schema(application["kind"])).validate(application)


@every_stream
def test_templates_of_driver_and_executor_are_pods(case: Case) -> None:
    for pod in pods([spark_application(case)]):
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod.spec}
        for version in KUBERNETES_VERSIONS:
            check_schema(manifest, version)


@every_stream
def test_containers_have_the_names_that_the_operator_tells_spark(case: Case) -> None:
    names = {
        pod.kind: [c["name"] for c in pod.spec["containers"]]
        for pod in pods([spark_application(case)])
    }
    assert names == {
        "Spark driver": ["spark-kubernetes-driver"],
        "Spark executor": ["spark-kubernetes-executor"],
    }


def test_a_continuous_stream_is_started_again_however_it_ended() -> None:
    policy = spark_spec(spark_application(Case("github-stream", "managed-kafka")))["restartPolicy"]
    assert policy == {
        "type": "Always",
        "onFailureRetryInterval": 10,
        "onSubmissionFailureRetryInterval": 10,
    }


def test_a_scheduled_run_ends_and_is_tried_again_a_few_times() -> None:
    application = spark_application(Case("github-stream", "scheduled-s3"))
    assert application["kind"] == "ScheduledSparkApplication"
    assert application["spec"]["schedule"] == "*/15 * * * *"
    assert application["spec"]["concurrencyPolicy"] == "Forbid"
    policy = spark_spec(application)["restartPolicy"]
    assert (policy["type"], policy["onFailureRetries"]) == ("OnFailure", 5)
    assert variables(application, "driver")["GHSTREAM_SPARK_TRIGGER"] == "availableNow"


def test_sparks_version_is_the_one_of_the_lock() -> None:
    text = (ROOT / "versions.env").read_text(encoding="utf-8")
    (locked,) = re.findall(r"^PYSPARK_VERSION=(.+)$", text, re.MULTILINE)
    assert spark_spec(spark_application(Case("github-stream", "minimal")))["sparkVersion"] == locked


def test_a_checkpoint_on_a_volume_is_mounted_where_it_is_written() -> None:
    objects = manifests(Case("github-stream", "minimal"))
    claim = one(objects, "PersistentVolumeClaim")["metadata"]["name"]
    driver, executor = pods([one(objects, "SparkApplication")])
    volumes = [
        v["persistentVolumeClaim"]["claimName"]
        for v in driver.spec["volumes"]
        if "persistentVolumeClaim" in v
    ]
    assert volumes == [claim]
    (mount,) = (m for m in driver.containers[0]["volumeMounts"] if m["name"] == "checkpoint")
    checkpoint = environment(driver.containers[0])["GHSTREAM_SPARK_CHECKPOINT"]
    assert checkpoint.startswith(f"file://{mount['mountPath']}/")
    assert "checkpoint" not in [v["name"] for v in executor.spec["volumes"]]


def test_executors_share_the_checkpoint_if_the_stream_remembers_what_it_saw() -> None:
    objects = manifests(Case("github-stream", "strimzi"))
    assert not [m for m in objects if m["kind"] == "PersistentVolumeClaim"]
    for pod in pods([one(objects, "SparkApplication")]):
        (volume,) = (v for v in pod.spec["volumes"] if v["name"] == "checkpoint")
        assert volume["persistentVolumeClaim"] == {"claimName": "shared"}


def test_a_checkpoint_on_an_object_store_comes_with_its_credentials() -> None:
    objects = manifests(Case("github-stream", "scheduled-s3"))
    application = one(objects, "ScheduledSparkApplication")
    assert not [m for m in objects if m["kind"] == "PersistentVolumeClaim"]
    assert (
        variables(application, "driver")["GHSTREAM_SPARK_CHECKPOINT"] == "s3a://bucket/streams/demo"
    )
    for pod in pods([application]):
        assert {"secretRef": {"name": "object-store"}} in pod.containers[0]["envFrom"]
    assert spark_spec(application)["hadoopConf"]["fs.s3a.endpoint"] == "http://minio:9000"


def test_kafkas_authority_is_mounted_wherever_kafka_is_read() -> None:
    objects = manifests(Case("github-stream", "managed-kafka"))
    for pod in pods(objects):
        mounted = [
            m["mountPath"]
            for m in pod.containers[0].get("volumeMounts", [])
            if m["name"] == "kafka-ca"
        ]
        assert mounted == (
            [] if "dashboard" in pod.owner or pod.kind == "Pod" else ["/etc/ghstream/kafka"]
        )
    driver = variables(one(objects, "SparkApplication"), "driver")
    assert driver["GHSTREAM_KAFKA_SSL_CAFILE"] == "/etc/ghstream/kafka/ca.crt"
    assert driver["GHSTREAM_KAFKA_SASL_PASSWORD"] == {
        "secretKeyRef": {"name": "kafka-credentials", "key": "secret"}
    }


def test_the_driver_may_do_what_it_needs_and_no_more() -> None:
    role = one(manifests(Case("github-stream", "minimal")), "Role")
    verbs = {"get", "list", "watch", "create", "patch", "delete", "deletecollection"}
    ((rule),) = role["rules"]
    assert (rule["apiGroups"], rule["resources"], set(rule["verbs"])) == ([""], ["pods"], verbs)


def test_labels_of_the_application_do_not_go_before_those_of_its_pods() -> None:
    # The operator puts the application's labels on the driver, then driver.labels.
    application = spark_application(Case("github-stream", "minimal"))
    assert application["metadata"]["labels"]["app.kubernetes.io/component"] == "spark"
    component = application["spec"]["driver"]["labels"]["app.kubernetes.io/component"]
    assert component == "spark-driver"


def test_a_suspended_stream_stops_the_source_and_spark_without_another_change() -> None:
    case = Case("github-stream", "pods")
    suspended, running = manifests(case), manifests(case, "--set", "suspend=false")
    assert one(suspended, "Deployment", "demo-source")["spec"]["replicas"] == 0
    assert one(running, "Deployment", "demo-source")["spec"]["replicas"] == 1
    spec = one(suspended, "SparkApplication")["spec"]
    assert spec.pop("suspend") is True
    assert spec == one(running, "SparkApplication")["spec"]


def test_a_stream_requests_at_most_one_cpu_and_3_gib() -> None:
    objects = manifests(Case("github-stream", "minimal"))
    cpus = mebibytes = 0.0
    for deployment in (m for m in objects if m["kind"] == "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        cpus += thousandths(container["resources"]["requests"]["cpu"])
        mebibytes += int(container["resources"]["requests"]["memory"].removesuffix("Mi"))
    spec = one(objects, "SparkApplication")["spec"]
    assert spec["executor"]["instances"] == 1
    for part in (spec["driver"], spec["executor"]):
        cpus += thousandths(part["coreRequest"])
        # To Spark, m is a mebibyte.
        mebibytes += sum(int(part[k].removesuffix("m")) for k in ("memory", "memoryOverhead"))
    assert cpus <= 1000
    assert mebibytes <= 3 * 1024


def thousandths(quantity: str) -> int:
    assert quantity.endswith("m")
    return int(quantity.removesuffix("m"))


def spark_application(case: Case) -> dict[str, Any]:
    (application,) = (m for m in manifests(case) if m["kind"] in KINDS)
    return application


def variables(application: dict[str, Any], role: str) -> dict[str, Any]:
    (container,) = spark_spec(application)[role]["template"]["spec"]["containers"]
    return environment(container)


@cache
def resource_schema(kind: str) -> dict[str, Any]:
    """The definition's schema, with unknown fields refused: an API server would drop them."""
    file = module(SPARK_OPERATOR) / f"config/crd/bases/sparkoperator.k8s.io_{KINDS[kind]}.yaml"
    definition = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    (version,) = (v for v in definition["spec"]["versions"] if v["name"] == "v1beta2")
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    close(schema["properties"]["spec"])
    return schema


def close(schema: dict[str, Any]) -> None:
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    for part in schema.get("properties", {}).values():
        close(part)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            close(schema[key])
