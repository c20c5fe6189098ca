"""What the charts set, against what the components read: a misspelt variable would do nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ghstream_runtime.settings import Component, Variables
from ghstream_source import settings as source
from ghstream_source.topics import wanted
from ghstream_spark import settings as spark
from ghstream_webapp import settings as webapp
from rendering import CASES, Case, environment, manifests, pods

STREAMS = [case for case in CASES if case.chart == "github-stream"]
every_stream = pytest.mark.parametrize("case", STREAMS, ids=str)
COMPONENTS: dict[str, Any] = {
    "source": source,
    "spark-driver": spark,
    "dashboard": webapp,
}
# What the images set, what is for one machine alone, and what would end a container for good.
NOT_SET = {
    *("GHSTREAM_SOURCE_HTTP_HOST", "GHSTREAM_SOURCE_HTTP_PORT", "GHSTREAM_SOURCE_ON_END"),
    *("GHSTREAM_SPARK_HTTP_HOST", "GHSTREAM_SPARK_HTTP_PORT"),
    *("GHSTREAM_SPARK_DRIVER_MEMORY", "GHSTREAM_SPARK_JARS"),
    *("GHSTREAM_WEBAPP_HOST", "GHSTREAM_WEBAPP_PORT"),
    *("GHSTREAM_WEBAPP_METRICS_HOST", "GHSTREAM_WEBAPP_METRICS_PORT"),
}


@every_stream
def test_components_accept_what_the_chart_gives_them(case: Case) -> None:
    given = variables(case)
    assert set(given) == set(COMPONENTS)
    for component, module in COMPONENTS.items():
        module.from_env(given[component])


@every_stream
def test_components_know_every_variable_that_the_chart_sets(case: Case) -> None:
    for component, given in variables(case).items():
        assert {name for name in given if name.startswith("GHSTREAM_")} <= known(component)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_setting_of_a_component_can_be_set(component: str) -> None:
    settable = {name for case in STREAMS for name in variables(case)[component]}
    assert known(component) - NOT_SET <= settable


def test_settings_arrive_as_they_were_given() -> None:
    given = variables(Case("github-stream", "managed-kafka"))
    settings = source.from_env(given["source"])
    assert (settings.topic, settings.partitions, settings.replication) == ("Octo.Events_1", 12, 3)
    assert [str(feed) for feed in settings.scope] == [str(f) for f in expected_scope()]
    assert settings.raw is True
    stream = spark.from_env(given["spark-driver"])
    assert stream.keep_days == {
        spark.Grain.MINUTE: 7,
        spark.Grain.HOUR: 365,
    }
    archive = source.from_env(variables(Case("github-stream", "archive"))["source"])
    assert archive.files == (
        "/archives/two words.json.gz",
        "2024-01-15-0..2024-01-15-5",
        "http://files.example.com:8000/a.json.gz",
    )
    assert (archive.speed, archive.rebase, archive.force) == (10.0, True, True)


def test_strimzis_topics_are_those_that_the_source_would_make() -> None:
    case = Case("github-stream", "strimzi")
    settings = source.from_env(variables(case)["source"])
    made = {
        manifest["spec"]["topicName"]: {
            "num_partitions": manifest["spec"]["partitions"],
            "replication_factor": manifest["spec"]["replicas"],
            "configs": {k: str(v) for k, v in manifest["spec"].get("config", {}).items()},
        }
        for manifest in manifests(case)
        if manifest["kind"] == "KafkaTopic"
    }
    assert made == wanted(settings)


def expected_scope() -> tuple[Any, ...]:
    return source.parse_scope("org:kubernetes repo:apache/spark user:torvalds")


def variables(case: Case) -> dict[str, dict[str, str]]:
    """The environment of each component's container, with something in place of secrets."""
    found = {}
    for pod in pods(manifests(case)):
        component = pod.labels["app.kubernetes.io/component"]
        if component in COMPONENTS:
            (container,) = pod.spec["containers"]
            found[component] = dict(filled(environment(container)))
    return found


def filled(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        secret = "postgresql://u:p@h/d" if name == "GHSTREAM_STORE_URL" else "secret"
        yield name, value if isinstance(value, str) else secret


def known(component: str) -> set[str]:
    """The variables that a component reads."""
    (settings,) = (
        kind
        for _, kind in inspect.getmembers(COMPONENTS[component], inspect.isclass)
        if issubclass(kind, Component) and kind is not Component
    )
    return set(names(settings))


def names(model: type[Variables]) -> Iterator[str]:
    for field in model.model_fields.values():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Variables):
            yield from names(kind)
        else:
            yield str(field.alias)
