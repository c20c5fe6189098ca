"""Volumes of a cluster that has nobody to provide them: folders of the node, made beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CLASS = "standard"
VOLUMES = 24


def objects(folder: Path, node: str) -> list[dict[str, Any]]:
    """Make the folders; return the default storage class with a volume for each.

    Unlike `hostPath`, `local` volumes are given to a pod's fsGroup.
    """
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
    }
    return [storage_class, *(_volume(folder / f"{n:02}", node) for n in range(VOLUMES))]


def _volume(path: Path, node: str) -> dict[str, Any]:
    path.mkdir(parents=True, exist_ok=True)
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"local-{path.name}"},
        "spec": {
            "storageClassName": CLASS,
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
