"""`make cluster` and `make cluster-down`: a real Kubernetes of one node, as ordinary processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster import certificates, network, node, programs, static_image, storage
from tests.cluster.command import CommandError, run
from tests.cluster.kube import Cluster

FOLDER = programs.CACHE / "node"
CLUSTER = Cluster(FOLDER / "keys" / "admin.kubeconfig")
START_SECONDS = 120
NEEDED = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ctr": "containerd",
}


class NotYet(Exception):
    """What is waited for is not there yet."""


def main() -> int:
    """Bring the cluster up, or down if the argument says so."""
    if sys.argv[1:] == ["down"]:
        down()
        return 0
    return up()


def up() -> int:
    """Start the node, unless it runs already; return once it is ready."""
    if problems := _missing():
        print("\n".join(problems), file=sys.stderr)
        return 2
    paths = {name: str(path) for name, path in programs.build().items()}
    if not _is_running():
        down()
        _start(paths)
    print(f"export KUBECONFIG={CLUSTER.kubeconfig}")
    return 0


def down() -> None:
    """End the node with all that it started, and remove what it kept."""
    node_process = _process()
    if node_process is not None:
        node_process.kill()
        # It may be a child of ours, which stays until it is waited for.
        node_process.wait()
    network.delete()
    _remove_control_groups()
    shutil.rmtree(FOLDER, ignore_errors=True)


def load(archive: Path) -> None:
    """Give the node the images of an archive, as `docker save` or OCI writes them."""
    _in_node("ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", str(archive))


def _start(paths: dict[str, str]) -> None:
    FOLDER.mkdir(parents=True)
    network.create()
    server = f"https://{network.NODE}:6443"
    certificates.write(FOLDER / "keys", node.NAME, node.ADDRESSES, server)
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    first = [sys.executable, "-m", "tests.cluster.node", str(FOLDER), json.dumps(paths)]
    with (FOLDER / "node.log").open("ab") as log:
        process = subprocess.Popen(
            network.enter(*own, *first), stdout=log, stderr=log, start_new_session=True
        )
    (FOLDER / "pid").write_text(str(process.pid), encoding="ascii")
    _wait("containerd", lambda: _in_node("ctr", "version"), process)
    pause = FOLDER / "pause.tar"
    static_image.write(Path(paths["pause"]), "localhost/pause:1", pause)
    load(pause)
    _wait("the API server", lambda: CLUSTER.kubectl("get", "--raw=/readyz"), process)
    CLUSTER.apply(*storage.objects(FOLDER / "volumes", node.NAME))
    ready = ["wait", "--for=condition=Ready", f"node/{node.NAME}", "--timeout=5s"]
    _wait("the node", lambda: CLUSTER.kubectl(*ready), process)


def _wait(what: str, attempt: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            attempt()
        except (CommandError, NotYet) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (FOLDER / "node.log").read_text(encoding="utf-8")
                sys.exit(f"{what} did not come up: {error}\n{said}\nlogs: {FOLDER}/logs")
            time.sleep(0.5)
        else:
            return


def _in_node(*command: str) -> None:
    process = _process()
    # The first process of the node is the only child of `unshare`.
    if process is None or not (first := process.children()):
        raise NotYet("the node's first process has not started")
    enter = ["nsenter", f"--target={first[0].pid}", "--mount", "--pid", "--net"]
    run(*enter, *command)


def _process() -> psutil.Process | None:
    """Return the process that the node lives and dies with."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((FOLDER / "pid").read_text(encoding="ascii")))
        if "tests.cluster.node" in process.cmdline():
            return process
    return None


def _is_running() -> bool:
    if _process() is None:
        return False
    with suppress(CommandError):
        CLUSTER.kubectl("get", "--raw=/readyz")
        return True
    return False


def _missing() -> list[str]:
    missing = sorted({package for tool, package in NEEDED.items() if shutil.which(tool) is None})
    problems = [f"apt-get install {' '.join(missing)}"] if missing else []
    if not Path("/usr/lib/cni/bridge").exists():
        problems.append("apt-get install containernetworking-plugins")
    if os.geteuid() != 0:
        problems.append("a node needs root: it mounts, and makes namespaces and control groups")
    return problems


def _remove_control_groups() -> None:
    for folder in sorted(Path("/sys/fs/cgroup").glob("*/kubepods/**/"), reverse=True):
        with suppress(OSError):
            folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
