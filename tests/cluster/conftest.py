"""The cluster that is tested on: that of KUBECONFIG, else our own node with images built here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import __main__ as node
from tests.cluster import programs
from tests.cluster.images import base
from tests.cluster.images.build import build, export, images
from tests.cluster.images.operator import build_spark_operator
from tests.cluster.kube import Cluster

SPARK_OPERATOR = "github.com/kubeflow/spark-operator/v2"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with our images, and the real spark-operator in a namespace of its own."""
    if kubeconfig := os.environ.get("KUBECONFIG"):
        yield Cluster(Path(kubeconfig))
        return
    assert node.up() == 0, "the cluster does not come up; see above"
    here = Cluster(node.KUBECONFIG)
    base_image = base.build()
    for image in images().values():
        build(image, base_image)
        node.load(export(image))
    node.load(build_spark_operator(programs.build()["spark-operator"]))
    yield here
    node.down()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[Cluster]:
    """An empty namespace that enforces restricted Pod Security; it is gone after the test."""
    here = Cluster(cluster.kubeconfig, "ghstream-e2e")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": here.namespace, "labels": labels}
    here.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield here
    here.kubectl("delete", "namespace", here.namespace, "--timeout=120s")


@pytest.fixture
def spark_operator(namespace: Cluster) -> Iterator[None]:
    """The spark-operator, from its module's own chart; it looks after the tests' namespace."""
    here = Cluster(namespace.kubeconfig, "spark-operator")
    module = programs.MODULES / "spark-operator"
    listed = ["go", "list", "-m", "-json", SPARK_OPERATOR]
    found = json.loads(subprocess.run(listed, cwd=module, capture_output=True, check=True).stdout)
    chart = Path(found["Dir"]) / "charts" / "spark-operator-chart"
    values = {
        "image.registry": "docker.io",
        "image.repository": "library/ghstream-spark-operator",
        "image.tag": found["Version"].removeprefix("v"),
        "spark.jobNamespaces": f"{{{namespace.namespace}}}",
        "spark.serviceAccount.create": "false",
        "spark.rbac.create": "false",
        "webhook.enable": "false",
    }
    settings = [f"--set={name}={value}" for name, value in values.items()]
    here.helm(
        *("upgrade", "--install", "spark-operator", str(chart), *settings),
        *("--create-namespace", "--wait", "--timeout=120s"),
    )
    yield
    here.helm("uninstall", "spark-operator", "--wait")
