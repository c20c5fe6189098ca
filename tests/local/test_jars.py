"""Jars: exactly the files that the lock names, or a readable error."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from ghstream_local import jars

SMALL = "org.apache.commons:commons-pool2"


@pytest.fixture
def lock(tmp_path) -> Path:
    """A lock that names one small jar."""
    (line,) = [line for line in jars.LOCK.read_text().splitlines() if SMALL in line]
    file = tmp_path / "jars.txt"
    file.write_text(line + "\n")
    return file


def test_a_fetched_jar_has_the_locked_checksum_and_strays_go(tmp_path, lock):
    (tmp_path / "spark").mkdir()
    (tmp_path / "spark" / "other-1.0.jar").write_bytes(b"of another version")
    folder = jars.fetch(tmp_path, lock, ["spark"])["spark"]
    (file,) = folder.glob("*.jar")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == lock.read_text().split()[1]


def test_a_damaged_jar_is_fetched_again(tmp_path, lock):
    (file,) = jars.fetch(tmp_path, lock, ["spark"])["spark"].glob("*.jar")
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    jars.fetch(tmp_path, lock, ["spark"])
    assert file.read_bytes() == whole


def test_a_jar_that_is_not_the_locked_one_is_named(tmp_path, lock):
    name, sha256, coordinates = lock.read_text().split()
    lock.write_text(f"{name} {sha256[::-1]} {coordinates}\n")
    with pytest.raises(jars.JarError, match=f"{SMALL}.*is not the one .*jars.txt names"):
        jars.fetch(tmp_path, lock, ["spark"])


def test_a_jar_that_does_not_exist_is_named(tmp_path, lock):
    name, sha256, coordinates = lock.read_text().split()
    lock.write_text(f"{name} {sha256} {coordinates.rpartition(':')[0]}:0.0.0\n")
    with pytest.raises(jars.JarError, match=f"{SMALL}:0.0.0"):
        jars.fetch(tmp_path, lock, ["spark"])


def test_only_the_named_sets_are_fetched(tmp_path, lock):
    lock.write_text(lock.read_text() + lock.read_text().replace("spark ", "other "))
    assert jars.fetch(tmp_path, lock, ["other"]) == {"other": tmp_path / "other"}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["other"]


def test_no_jar_for_the_image_is_there_twice():
    brought = {
        file.name.removesuffix(".jar") for file in (jars.pyspark_home() / "jars").glob("*.jar")
    }
    names = {re.sub(r"-\d.*", "", name) for name in brought}
    lock = jars.read_lock()
    ours = {jar for name in ("spark", "delta", "s3a", "abfss") for jar in lock[name]}
    assert not names & {jar.artifact for jar in ours}
    assert len(ours) == len({jar.artifact for jar in ours})
