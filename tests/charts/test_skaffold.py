"""skaffold.yaml and k8s/: against skaffold's schema, the charts' values and the files they name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from go_modules import SKAFFOLD, SPARK_OPERATOR, module
from rendering import KUBERNETES_VERSIONS, ROOT, check_schema, one, parse, pods, run_helm

PROFILES = (None, "kind", "minikube", "registry", "monitoring")
every_profile = pytest.mark.parametrize("profile", PROFILES)


def test_it_fits_skaffolds_schema() -> None:
    schema = json.loads(schema_file().read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(configuration())


def test_a_misspelt_key_would_not_fit() -> None:
    schema = json.loads(schema_file().read_text(encoding="utf-8"))
    wrong = deepcopy(configuration())
    wrong["deploy"]["helm"]["releases"][2]["dependOn"] = []
    assert not jsonschema.Draft7Validator(schema).is_valid(wrong)


@every_profile
def test_profiles_fit_the_schema_too(profile: str | None) -> None:
    schema = json.loads(schema_file().read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(patched(profile))


def test_each_component_has_an_image_and_a_dockerfile() -> None:
    built = {a["image"]: a["docker"]["dockerfile"] for a in configuration()["build"]["artifacts"]}
    components = ("source", "webapp", "spark", "operator")
    assert built == {f"ghstream-{name}": f"images/{name}/Dockerfile" for name in components}
    assert all((ROOT / dockerfile).is_file() for dockerfile in built.values())


def test_code_is_synchronised_to_where_the_pods_have_it() -> None:
    for artifact in configuration()["build"]["artifacts"]:
        for rule in artifact.get("sync", {}).get("manual", []):
            folder = rule["src"].partition("*")[0]
            assert (ROOT / folder).is_dir(), rule
            assert list(ROOT.glob(rule["src"])), rule
            assert folder.startswith(rule["strip"]), rule
    for name in ("source", "dashboard"):
        deployment = one(stream(None), "Deployment", f"stream-{name}")
        spec = deployment["spec"]["template"]["spec"]
        mounts = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
        assert mounts["/opt/ghstream"] == "code"


@every_profile
def test_releases_render_with_their_values(profile: str | None) -> None:
    for release in releases(profile).values():
        if "chartPath" in release:
            for manifest in render(release):
                check_schema(manifest, KUBERNETES_VERSIONS[-1])


@every_profile
def test_images_come_from_what_was_built(profile: str | None) -> None:
    built = {f"ghstream-{name}:tag-of-ghstream_{name}" for name in ("source", "spark", "webapp")}
    used = {container["image"] for pod in pods(stream(profile)) for container in pod.containers}
    assert used == built


@every_profile
def test_forwarded_ports_are_those_of_services(profile: str | None) -> None:
    forwarded = patched(profile)["portForward"][0]
    service = one(stream(profile), "Service", forwarded["resourceName"])
    assert service["metadata"]["namespace"] == forwarded["namespace"]
    assert forwarded["port"] in [port["port"] for port in service["spec"]["ports"]]


def test_the_stream_finds_kafka_and_the_store() -> None:
    platform = render(releases(None)["platform"])
    names = {m["metadata"]["name"] for m in platform if m["kind"] == "Service"}
    secret = yaml.safe_load((ROOT / "k8s/development-secret.yaml").read_text(encoding="utf-8"))
    database = re.fullmatch(r"postgresql://\w+:([\w-]+)@([\w-]+)/\w+", secret["stringData"]["url"])
    assert database
    assert database[1] == secret["stringData"]["password"]
    values = yaml.safe_load((ROOT / "k8s/values/stream.yaml").read_text(encoding="utf-8"))
    kafka = values["kafka"]["bootstrapServers"].partition(":")[0]
    assert {kafka, database[2]} <= names
    assert values["store"]["urlSecretRef"]["name"] == secret["metadata"]["name"]


@every_profile
def test_namespaces_exist_with_a_pod_security_level(profile: str | None) -> None:
    namespaces = {
        m["metadata"]["name"]: m["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for m in parse((ROOT / "k8s/namespaces.yaml").read_text(encoding="utf-8"))
    }
    assert {release["namespace"] for release in releases(profile).values()} <= set(namespaces)
    assert namespaces["github-stream"] == namespaces["spark-operator"] == "restricted"


@every_profile
def test_remote_charts_are_pinned_as_the_documentation_says(profile: str | None) -> None:
    told = (ROOT / "k8s/README.md").read_text(encoding="utf-8")
    for release in releases(profile).values():
        if "remoteChart" in release:
            assert re.fullmatch(r"\d+\.\d+\.\d+", release["version"])
            assert release["version"] in told
            (values,) = release["valuesFiles"]
            assert release["version"] in (ROOT / values).read_text(encoding="utf-8")


def test_the_spark_operator_takes_its_values_and_passes_its_namespaces_level() -> None:
    chart = module(SPARK_OPERATOR) / "charts" / "spark-operator-chart"
    release = releases(None)["spark-operator"]
    assert SPARK_OPERATOR.endswith(f"@v{release['version']}")
    known = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    own = yaml.safe_load((ROOT / release["valuesFiles"][0]).read_text(encoding="utf-8"))
    assert unknown(own, known) == []
    values = ROOT / release["valuesFiles"][0]
    done = run_helm("template", "spark-operator", chart, "--values", values)
    assert done.returncode == 0, done.stderr
    objects = parse(done.stdout)
    (pod,) = pods(objects)
    assert "--namespaces=github-stream" in pod.containers[0]["args"]
    security = pod.containers[0]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not [m for m in objects if "Webhook" in m["kind"]]


def unknown(own: Mapping[str, Any], known: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Keys that a chart without a schema would take in silence."""
    found = []
    for key, value in own.items():
        if key not in known:
            found.append(prefix + key)
        elif isinstance(value, dict) and known[key]:
            found += unknown(value, known[key], f"{prefix}{key}.")
    return found


@cache
def configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text(encoding="utf-8"))
    return loaded


def schema_file() -> Path:
    version = configuration()["apiVersion"].removeprefix("skaffold/")
    return module(SKAFFOLD) / "docs-v2" / "content" / "en" / "schemas" / f"{version}.json"


def patched(profile: str | None) -> dict[str, Any]:
    """The configuration with a profile's patches, as JSON Patch (RFC 6902) applies them."""
    made = deepcopy(configuration())
    for candidate in made.pop("profiles"):
        for patch in candidate.get("patches", []) if candidate["name"] == profile else []:
            *parents, last = patch["path"].split("/")[1:]
            target: Any = made
            for step in parents:
                target = target[int(step)] if isinstance(target, list) else target[step]
            key: Any = int(last) if isinstance(target, list) and last != "-" else last
            match patch["op"]:
                case "remove":
                    del target[key]
                case "replace":
                    assert target[key] != patch["value"]
                    target[key] = patch["value"]
                case "add":
                    target.append(patch["value"])
    return made


def releases(profile: str | None) -> dict[str, dict[str, Any]]:
    return {r["name"]: r for r in patched(profile)["deploy"]["helm"]["releases"]}


def stream(profile: str | None) -> list[dict[str, Any]]:
    return render(releases(profile)["stream"])


def render(release: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What Helm makes of a release, with names in place of the images that skaffold builds."""
    arguments: list[str | Path] = [f"--values={ROOT / file}" for file in release["valuesFiles"]]
    for path, text in release.get("setValueTemplates", {}).items():
        kind, image = re.fullmatch(r"\{\{\.IMAGE_([A-Z_]+)_(ghstream_\w+)\}\}", text).groups()  # type: ignore[union-attr]
        name = image.replace("_", "-")
        value = {
            "REPO": name,
            "TAG": f"tag-of-{image}",
            "DIGEST": "",
            "FULLY_QUALIFIED": f"{name}:tag-of-{image}",
        }[kind]
        arguments += ["--set", f"{path}={value}"]
    chart = ROOT / release["chartPath"]
    namespace = f"--namespace={release['namespace']}"
    done = run_helm("template", release["name"], chart, namespace, *arguments)
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)
