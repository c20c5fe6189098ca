"""Charts as manifests: what every test of this room looks at."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from kubernetes_clients import helm

ROOT = Path(__file__).parents[2]
CHARTS = ("github-stream", "platform")
HELM_VERSIONS = (3, 4)
# The oldest and the newest that are supported.
KUBERNETES_VERSIONS = ("1.32", "1.35")
NAMESPACE = "streams"
# What is no part of Kubernetes; SparkApplications are checked in test_spark_application.py.
CUSTOM_GROUPS = ("sparkoperator.k8s.io/", "kafka.strimzi.io/", "gateway.networking.k8s.io/")

# Nothing of the user's own Helm: no plugins, no repositories.
_ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A chart with one of its sets of values."""

    chart: str
    values: str

    def __str__(self) -> str:
        return f"{self.chart}-{self.values}"

    @property
    def file(self) -> Path:
        return ROOT / "charts" / self.chart / "ci" / f"{self.values}-values.yaml"


CASES = [
    Case(chart, file.name.removesuffix("-values.yaml"))
    for chart in CHARTS
    for file in sorted((ROOT / "charts" / chart / "ci").glob("*-values.yaml"))
]


@dataclass(frozen=True)
class Pod:
    """A pod as some object of a chart makes it."""

    owner: str
    kind: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def run_helm(
    *arguments: str | Path, helm_version: int = 4, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [helm(helm_version), *arguments],
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        input=stdin,
        check=False,
    )


@cache
def template(
    case: Case, *more: str, helm_version: int = 4, kubernetes: str = "1.34", release: str = "demo"
) -> str:
    """What `helm template` prints."""
    arguments = ["template", release, ROOT / "charts" / case.chart, "--values", case.file]
    done = run_helm(
        *arguments,
        f"--namespace={NAMESPACE}",
        f"--kube-version={kubernetes}",
        *more,
        helm_version=helm_version,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_schema(manifest: Manifest, kubernetes: str) -> None:
    """Raise if an object of Kubernetes' own kinds does not fit their schema."""
    if not manifest["apiVersion"].startswith(CUSTOM_GROUPS):
        _check_schema(json.dumps(manifest, sort_keys=True), kubernetes)


@cache  # many objects are the same with many sets of values
def _check_schema(manifest: str, kubernetes: str) -> None:
    kubernetes_validate.validate(json.loads(manifest), kubernetes, strict=True)


def parse(text: str) -> list[Manifest]:
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def manifests(case: Case, *more: str, release: str = "demo") -> list[Manifest]:
    return parse(template(case, *more, release=release))


def refusal(chart: str, values: Mapping[str, Any], helm_version: int = 4) -> str:
    """What Helm says about values that it has to refuse, on top of the minimal ones."""
    minimal = ROOT / "charts" / chart / "ci" / "minimal-values.yaml"
    done = run_helm(
        *("template", "demo", ROOT / "charts" / chart, "--values", minimal, "--values", "-"),
        stdin=yaml.safe_dump(dict(values)),
        helm_version=helm_version,
    )
    assert done.returncode != 0, f"accepted: {values}"
    return done.stderr


def pods(objects: list[Manifest]) -> Iterator[Pod]:
    """Every pod that the objects are or make, Spark's driver and executors among them."""
    for manifest in objects:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        match kind:
            case "Deployment" | "StatefulSet":
                made = manifest["spec"]["template"]
                yield Pod(name, kind, made["metadata"]["labels"], made["spec"])
            case "Pod":
                yield Pod(name, kind, manifest["metadata"]["labels"], manifest["spec"])
            case "SparkApplication" | "ScheduledSparkApplication":
                for role in ("driver", "executor"):
                    yield _spark_pod(name, spark_spec(manifest), role)


def _spark_pod(name: str, spec: Mapping[str, Any], role: str) -> Pod:
    # Spark makes the pod of the template and of these fields.
    part = spec[role]
    (container,) = part["template"]["spec"]["containers"]
    container = container | {
        "image": spec["image"],
        "imagePullPolicy": spec["imagePullPolicy"],
        "resources": {
            "requests": {"cpu": part["coreRequest"], "memory": part["memory"]},
            "limits": {"memory": part["memory"]},
        },
    }
    made = part["template"]["spec"] | {
        "containers": [container],
        "serviceAccountName": part["serviceAccount"],
    }
    return Pod(name, f"Spark {role}", part["labels"] | {"spark-role": role}, made)


def spark_spec(manifest: Manifest) -> dict[str, Any]:
    """The SparkApplication's spec of either kind."""
    spec: dict[str, Any] = manifest["spec"]
    return spec["template"] if manifest["kind"] == "ScheduledSparkApplication" else spec


def one(objects: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only object of a kind, or the one of that name."""
    (found,) = (
        manifest
        for manifest in objects
        if manifest["kind"] == kind and name in {None, manifest["metadata"]["name"]}
    )
    return found


def environment(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container's variables: the text, or where it comes from."""
    return {
        entry["name"]: entry.get("value", entry.get("valueFrom"))
        for entry in container.get("env", [])
    }
