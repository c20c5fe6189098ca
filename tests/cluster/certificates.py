"""The certificates of a cluster: one authority, and who is who by common name and organisation.

See https://kubernetes.io/docs/setup/best-practices/certificates/ for the names.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import trustme

GROUPS = {
    "admin": ("admin", "system:masters"),
    "kubelet-client": ("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
}


def write(folder: Path, node: str, addresses: list[str], server: str) -> None:
    """Write the authority, a key and certificate for each user, and a kubeconfig for each.

    `addresses` are what the API server is reached by; `server` is its URL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    authority.private_key_pem.write_to_path(str(folder / "ca.key"))
    _write(folder, "apiserver", authority.issue_cert(*addresses))
    _write(folder, "service-accounts", authority.issue_cert("service-accounts"))
    users = {**GROUPS, "kubelet": (f"system:node:{node}", "system:nodes")}
    for name, (user, group) in users.items():
        # Go refuses a certificate without any name in its critical list of names.
        known_as = node if name == "kubelet" else name
        leaf = authority.issue_cert(known_as, common_name=user, organization_name=group)
        _write(folder, name, leaf)
        text = json.dumps(_kubeconfig(server, authority, leaf))
        (folder / f"{name}.kubeconfig").write_text(text, encoding="utf-8")


def _write(folder: Path, name: str, leaf: trustme.LeafCert) -> None:
    leaf.private_key_pem.write_to_path(str(folder / f"{name}.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / f"{name}.crt"))


def _kubeconfig(server: str, authority: trustme.CA, leaf: trustme.LeafCert) -> dict[str, object]:
    user = {
        "client-certificate-data": _encoded(leaf.cert_chain_pems[0]),
        "client-key-data": _encoded(leaf.private_key_pem),
    }
    cluster = {"server": server, "certificate-authority-data": _encoded(authority.cert_pem)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "ghstream", "cluster": cluster}],
        "users": [{"name": "ghstream", "user": user}],
        "contexts": [{"name": "ghstream", "context": {"cluster": "ghstream", "user": "ghstream"}}],
        "current-context": "ghstream",
    }


def _encoded(blob: trustme.Blob) -> str:
    return base64.b64encode(blob.bytes()).decode()
