"""A node as the first process of namespaces of its own: when it ends, the kernel ends the rest.

Everything lives in the folder given as argument, mounted where the programs look for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.network import API_SERVICE, NODE, PODS, SERVICES

NAME = "ghstream-node"
DOMAIN = "cluster.local"
# Where the programs keep what they write, each a folder of ours in the node's own mounts.
MOUNTS = (
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/lib/cni",
    "/run/containerd",
    "/run/netns",
    "/var/log",
)


def main() -> int:
    """Run the programs until one of them ends, or we are told to stop."""
    folder, programs = Path(sys.argv[1]), json.loads(sys.argv[2])
    _mount(folder)
    _configure(folder)
    running = {}
    for name, command in commands(folder, programs).items():
        with (folder / "logs" / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        running[process.pid] = name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        # As the first process we also inherit, and have to bury, what containers leave behind.
        pid, status = os.wait()
        if pid in running:
            print(f"{running[pid]} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
            return 1


def commands(folder: Path, programs: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the command line of each program, in the order in which they start."""
    keys, etc = folder / "keys", folder / "etc"
    etcd = "http://127.0.0.1:2379"

    def kubeconfig(name: str) -> str:
        return f"--kubeconfig={keys}/{name}.kubeconfig"

    return {
        "etcd": [
            programs["etcd"],
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            # A cluster for tests need not survive a power cut.
            "--unsafe-no-fsync",
        ],
        "kube-apiserver": [
            programs["kube-apiserver"],
            f"--etcd-servers={etcd}",
            f"--advertise-address={NODE}",
            "--secure-port=6443",
            f"--service-cluster-ip-range={SERVICES}",
            f"--client-ca-file={keys}/ca.crt",
            f"--tls-cert-file={keys}/apiserver.crt",
            f"--tls-private-key-file={keys}/apiserver.key",
            f"--kubelet-client-certificate={keys}/kubelet-client.crt",
            f"--kubelet-client-key={keys}/kubelet-client.key",
            f"--kubelet-certificate-authority={keys}/ca.crt",
            "--kubelet-preferred-address-types=Hostname",
            f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
            f"--service-account-key-file={keys}/service-accounts.key",
            f"--service-account-signing-key-file={keys}/service-accounts.key",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ],
        "kube-controller-manager": [
            programs["kube-controller-manager"],
            kubeconfig("controller-manager"),
            f"--root-ca-file={keys}/ca.crt",
            f"--service-account-private-key-file={keys}/service-accounts.key",
            f"--cluster-signing-cert-file={keys}/ca.crt",
            f"--cluster-signing-key-file={keys}/ca.key",
            "--use-service-account-credentials",
            "--leader-elect=false",
        ],
        "kube-scheduler": [
            programs["kube-scheduler"],
            kubeconfig("scheduler"),
            "--leader-elect=false",
        ],
        "containerd": ["containerd", f"--config={etc}/containerd.toml"],
        "kubelet": [
            programs["kubelet"],
            kubeconfig("kubelet"),
            f"--config={etc}/kubelet.json",
            f"--hostname-override={NAME}",
            f"--node-ip={NODE}",
        ],
        "kube-proxy": [programs["kube-proxy"], f"--config={etc}/kube-proxy.json"],
        "coredns": [programs["coredns"], f"-conf={etc}/Corefile"],
    }


def _mount(folder: Path) -> None:
    for path in MOUNTS:
        inside = folder / "mounts" / path.strip("/").replace("/", "-")
        inside.mkdir(parents=True, exist_ok=True)
        Path(path).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(inside), path], check=True)
    (folder / "logs").mkdir(exist_ok=True)
    hosts = folder / "etc" / "hosts"
    hosts.parent.mkdir(exist_ok=True)
    hosts.write_text(f"127.0.0.1 localhost\n{NODE} {NAME}\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    # Volumes of pods are mounted under the kubelet's folder and have to show in the containers.
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def _configure(folder: Path) -> None:
    keys, etc = folder / "keys", folder / "etc"
    (etc / "cni").mkdir(parents=True, exist_ok=True)
    _json(etc / "cni" / "10-bridge.conflist", _cni())
    _json(etc / "kubelet.json", _kubelet(keys, etc))
    _json(etc / "kube-proxy.json", _kube_proxy(keys))
    (etc / "containerd.toml").write_text(_containerd(etc), encoding="utf-8")
    (etc / "Corefile").write_text(_corefile(keys), encoding="utf-8")
    (etc / "resolv.conf").write_text(f"nameserver {NODE}\n", encoding="utf-8")


def _cni() -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": PODS.replace("/16", "/24")}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "ghstream", "plugins": [bridge, ports]}


def _kubelet(keys: Path, etc: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "failSwapOn": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": f"{keys}/ca.crt"},
        },
        "tlsCertFile": f"{keys}/kubelet.crt",
        "tlsPrivateKeyFile": f"{keys}/kubelet.key",
        "clusterDNS": [NODE],
        "clusterDomain": DOMAIN,
        "resolvConf": f"{etc}/resolv.conf",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        # What is imported by hand could not be pulled again.
        "imageGCHighThresholdPercent": 100,
        "readOnlyPort": 0,
    }


def _kube_proxy(keys: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{keys}/proxy.kubeconfig"},
        "hostnameOverride": NAME,
        "mode": "iptables",
        "clusterCIDR": PODS,
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _containerd(etc: Path) -> str:
    return f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Where root may not lower a process's badness, neither may containers.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{etc}/cni"
"""


def _corefile(keys: Path) -> str:
    return f"""\
.:53 {{
    bind {NODE}
    errors
    ready {NODE}:8181
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {keys}/admin.kubeconfig ghstream
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }}
    cache 5
}}
"""


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


ADDRESSES = [
    NODE,
    API_SERVICE,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{DOMAIN}",
]
"""What the API server is reached by."""

if __name__ == "__main__":
    sys.exit(main())
