"""The charts on a real cluster: a file in, figures out."""

from __future__ import annotations

import base64
import gzip
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import figures
import pytest
import requests
from ghstream_local.versions import ROOT

from tests.cluster.command import CommandError
from tests.cluster.kube import Cluster, wait_for

ARCHIVE = ROOT / "tests" / "data" / "gharchive" / "2015-01-01-0.head3000.json.gz"
FIRST_FIGURES_SECONDS = 120
DASHBOARD = "deployment/stream-dashboard"
HALVES = ("first", "second")
STREAM: dict[str, Any] = {
    "source": {
        "type": "archive",
        "files": [f"/archives/{half}.json.gz" for half in HALVES],
        "pod": {
            "volumes": [
                {
                    "name": "archives",
                    "projected": {"sources": [{"configMap": {"name": half}} for half in HALVES]},
                }
            ],
            "volumeMounts": [{"name": "archives", "mountPath": "/archives"}],
        },
    },
    "kafka": {"bootstrapServers": "platform-kafka:9092"},
    "store": {"urlSecretRef": {"name": "store"}},
}

pytestmark = pytest.mark.timeout(1500)


@pytest.mark.usefixtures("operator")
def test_a_file_through_the_source_pod_gives_duckdbs_figures_in_the_dashboard(
    namespace: Cluster, tmp_path: Path
) -> None:
    prepare(namespace)
    values = tmp_path / "stream.json"
    values.write_text(json.dumps(STREAM), encoding="utf-8")
    platform, stream = (str(ROOT / "charts" / name) for name in ("platform", "github-stream"))
    password = "--set=postgresql.passwordSecretRef.name=store"
    try:
        namespace.helm("install", "platform", platform, password, "--wait", "--timeout=180s")
        began = time.monotonic()
        namespace.helm("install", "stream", stream, f"--values={values}")
        namespace.kubectl("wait", "--for=condition=Available", DASHBOARD, "--timeout=180s")
        with namespace.service("stream-dashboard", 80) as url:
            wait_for("first figures", lambda: events(url) > 0, FIRST_FIGURES_SECONDS)
            print(f"first figures after {time.monotonic() - began:.0f} s")
            wait_for("all figures", lambda: events(url) == 3000, seconds=60)
            figures.compare(partial(get, url), [ARCHIVE])
    except (AssertionError, CommandError) as error:
        raise AssertionError(f"{error}\n{namespace.report()}") from error


def prepare(namespace: Cluster) -> None:
    """Give the namespace the secrets, and the file, in two halves since it is over a mebibyte."""
    lines = gzip.decompress(ARCHIVE.read_bytes()).splitlines(keepends=True)
    for name, half in zip(HALVES, (lines[:1500], lines[1500:]), strict=True):
        content = base64.b64encode(gzip.compress(b"".join(half))).decode()
        namespace.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "binaryData": {f"{name}.json.gz": content},
            }
        )
    url = "postgresql://ghstream:a-secret@platform-postgresql/ghstream"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}}
    namespace.apply(secret | {"stringData": {"password": "a-secret", "url": url}})


def events(url: str) -> int:
    """Return how many events the figures hold."""
    answer: int = get(url, "/api/v1/status")["events"]
    return answer


def get(url: str, path: str, **parameters: Any) -> dict[str, Any]:
    """Return the API's answer."""
    response = requests.get(url + path, params=parameters, timeout=30)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
