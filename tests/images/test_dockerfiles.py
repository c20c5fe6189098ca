"""What the Dockerfiles say, where nothing can build them; tests/cluster runs what they build."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from ghstream_local.versions import ROOT

COMPONENTS = ("source", "spark", "webapp", "operator")
TOOLS = {"build.txt", "assets.txt"}


def instructions(component: str) -> list[tuple[str, str]]:
    """The Dockerfile's instructions: name and the rest, continued lines joined."""
    text = (ROOT / "images" / component / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined) if rest]


def stages(component: str) -> dict[str, list[tuple[str, str]]]:
    """Instructions by stage; the image itself is the stage without a name."""
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for name, rest in instructions(component):
        if name == "FROM":
            current = found.setdefault(rest.partition(" AS ")[2], [])
        current.append((name, rest))
    return found


def copied(stage: list[tuple[str, str]]) -> list[str]:
    """What a stage copies from the build context."""
    rests = [rest.split() for name, rest in stage if name == "COPY"]
    return [path for rest in rests if not rest[0].startswith("--") for path in rest[:-1]]


def packages_behind(component: str) -> set[str]:
    """The component's package and those of the workspace that it depends on, by pyproject.toml."""
    project = tomllib.loads((ROOT / component / "pyproject.toml").read_text())["project"]
    names = (re.match(r"ghstream-(\w+)", line) for line in project["dependencies"])
    return {component}.union(*(packages_behind(name[1]) for name in names if name))


def test_all_images_have_one_base_pinned_to_a_patch_release():
    bases = {rest for c in COMPONENTS for name, rest in instructions(c) if name == "ARG"}
    (base,) = {rest for rest in bases if rest.startswith("BASE_IMAGE=")}
    assert re.fullmatch(r"BASE_IMAGE=python:3\.\d+\.\d+-slim-bookworm", base)


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_image_gets_its_own_lock_and_no_other(component):
    found = stages(component)
    locks = {path for stage in found.values() for path in copied(stage) if path.endswith(".txt")}
    python = {Path(lock).name for lock in locks} - TOOLS - {"jars.txt"}
    assert python == {f"{component}.txt"}
    assert not [path for path in copied(found[""]) if path.startswith("locks/")]


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_is_installed_without_a_checksum(component):
    steps = [rest for name, rest in instructions(component) if name == "RUN"]
    commands = [command for step in steps for command in step.split("&&")]
    pip = [command for command in commands if re.search(r"\bpip .*(install|wheel) ", command)]
    assert pip
    for command in pip:
        assert re.search("--require-hashes|--no-deps", command), command


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_image_holds_the_packages_that_the_component_depends_on(component):
    built = {path for path in copied(stages(component)["packages"]) if "/" not in path}
    assert built == packages_behind(component)
    installs = [rest for name, rest in stages(component)["packages"] if "--target" in rest]
    assert set(re.findall(r"/src/(\w+)", installs[-1])) == built


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_container_is_one_process_of_a_user_without_a_name(component):
    final = dict(stages(component)[""])
    assert final["USER"] == "10001:10001"
    assert json.loads(final["ENTRYPOINT"])[-2] == "-m"


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_is_copied_is_not_ignored(component):
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    for path in [path for stage in stages(component).values() for path in copied(stage)]:
        assert (ROOT / path).exists(), path
        known = [
            name for name in allowed
            if fnmatch(path, name) or fnmatch(path, f"{name}/*") or name.startswith(f"{path}/")
        ]  # fmt: skip
        assert known, f"{path} is not in .dockerignore"
