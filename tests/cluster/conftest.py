"""The cluster that is tested on: that of KUBECONFIG, else our own node with images built here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from go_modules import SPARK_OPERATOR, module

from tests.cluster import __main__ as node
from tests.cluster import programs
from tests.cluster.images import base
from tests.cluster.images.build import build, export, images, spark_operator
from tests.cluster.kube import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with our images."""
    if kubeconfig := os.environ.get("KUBECONFIG"):
        yield Cluster(Path(kubeconfig))
        return
    assert node.up() == 0, "the cluster does not come up; see above"
    ours, base_image = images(), base.build()
    operator = spark_operator(programs.build()["spark-operator"])
    built_on = [(image, base_image) for image in ours.values()]
    for image, below in [*built_on, (operator, ours["spark"].name)]:
        build(image, below)
        node.load(export(image))
    yield node.CLUSTER
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
def operator(namespace: Cluster) -> Iterator[None]:
    """The spark-operator, from its module's own chart; it looks after the tests' namespace."""
    here = Cluster(namespace.kubeconfig, "spark-operator")
    chart = module(SPARK_OPERATOR) / "charts" / "spark-operator-chart"
    values = {
        "image.registry": "docker.io",
        "image.repository": "library/ghstream-spark-operator",
        "image.tag": SPARK_OPERATOR.rpartition("@v")[2],
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
