"""kubectl and helm against one cluster, and a way to its services."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from ghstream_local.broker import free_port
from kubernetes_clients import helm, kubectl

from tests.cluster.command import CommandError, run


@dataclass(frozen=True)
class Cluster:
    """A cluster by its kubeconfig, and the namespace that is worked in."""

    kubeconfig: Path
    namespace: str = "default"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what kubectl prints. Raises CommandError with what it complains about."""
        return run(str(kubectl()), *self._flags, *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Return what Helm 4 prints. Raises CommandError with what it complains about."""
        return run(str(helm(4)), *arguments, *self._flags)

    def get(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        items: list[dict[str, Any]] = json.loads(
            self.kubectl("get", kind, *arguments, "--output=json", "--ignore-not-found") or "{}"
        ).get("items", [])
        return items

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(listed))

    @contextmanager
    def service(self, name: str, port: int) -> Iterator[str]:
        """Forward a local port to a service, through the API server; yield its URL."""
        local = free_port()
        forward = ["port-forward", f"service/{name}", f"{local}:{port}"]
        process = subprocess.Popen(
            [str(kubectl()), *self._flags, *forward], stdout=subprocess.DEVNULL
        )
        url = f"http://127.0.0.1:{local}"
        try:
            wait_for(f"{name} through its service", lambda: _answers(url), seconds=60)
            yield url
        finally:
            process.terminate()
            process.wait()

    def report(self) -> str:
        """Return what helps to see why something failed: pods, events, logs."""
        parts = [self.kubectl("get", "all,sparkapplications,pvc", "--output=wide")]
        parts.append(self.kubectl("get", "events", "--sort-by=.lastTimestamp"))
        for pod in self.get("pods"):
            name = pod["metadata"]["name"]
            for previous in ("--previous", "--previous=false"):
                with suppress(CommandError):
                    log = self.kubectl("logs", name, "--all-containers", "--tail=60", previous)
                    parts.append(f"--- {name} {previous}\n{log}")
        return "\n".join(parts)

    @property
    def _flags(self) -> list[str]:
        return [f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]


def wait_for(what: str, holds: Callable[[], object], seconds: float) -> None:
    """Return once `holds()` is true. Raises AssertionError that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.5)


def _answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{url}/livez", timeout=5).ok
    return False
