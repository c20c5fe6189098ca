"""A component's lock holds all that the component imports: its image has nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ghstream_local.versions import ROOT

IMPORT_ALL = """
import importlib, pkgutil, re, sys
from importlib.metadata import packages_distributions

package, lock = sys.argv[1:]
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
locked = {plain(name) for name in re.findall(r"^([A-Za-z0-9][\\w.-]*)==", open(lock).read(), re.M)}
missing = {
    module for module, names in packages_distributions().items()
    if not any(plain(name) in locked or name.startswith("ghstream") for name in names)
}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{name} is not in {lock}")

sys.meta_path.insert(0, Absent())
for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
    # A migration runs inside Alembic only; `python -m` runs what is called __main__.
    if "migrations" not in found.name and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


@pytest.mark.parametrize("component", ["source", "spark", "webapp"])
def test_every_module_of_a_component_imports_with_what_its_lock_holds(component: str) -> None:
    lock = ROOT / "locks" / f"{component}.txt"
    command = [sys.executable, "-c", IMPORT_ALL, f"ghstream_{component}", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
