"""What a machine without the right tools is told, before anything is set up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ghstream_local.versions import ROOT

SCRIPT = ROOT / "local" / "check_tools.py"


def check(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def java(tmp_path):
    """Makes a folder with a java that reports the given version."""

    def make(version: str) -> Path:
        program = tmp_path / "java"
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
        program.chmod(0o755)
        return tmp_path

    return make


def test_a_machine_without_java_is_told_how_to_get_it(tmp_path):
    done = check(tmp_path)
    assert done.returncode == 1
    assert "Java 17 or later is missing" in done.stderr
    assert "apt-get install openjdk-17-jre-headless" in done.stderr


@pytest.mark.parametrize(("version", "shown"), [("11.0.22", "11"), ("1.8.0_402", "1")])
def test_an_old_java_is_named_with_its_version(java, version, shown):
    done = check(java(version))
    assert done.returncode == 1
    assert f"'java' is version {shown}" in done.stderr


@pytest.mark.parametrize("version", ["17.0.10", "21.0.2", "25"])
def test_a_new_enough_java_is_fine(java, version):
    done = check(java(version))
    assert (done.returncode, done.stderr) == (0, "")
