"""Every set of values of every chart, under the versions that are supported."""

from __future__ import annotations

import pytest
from rendering import (
    CASES,
    CHARTS,
    HELM_VERSIONS,
    KUBERNETES_VERSIONS,
    NAMESPACE,
    ROOT,
    Case,
    check_schema,
    manifests,
    parse,
    run_helm,
    template,
)

every_case = pytest.mark.parametrize("case", CASES, ids=str)


@every_case
@pytest.mark.parametrize("kubernetes", KUBERNETES_VERSIONS)
def test_objects_fit_the_schemas_of_kubernetes(case: Case, kubernetes: str) -> None:
    for manifest in parse(template(case, kubernetes=kubernetes)):
        check_schema(manifest, kubernetes)


@every_case
def test_rendering_twice_gives_the_same_bytes(case: Case) -> None:
    assert template(case) == template.__wrapped__(case)


@every_case
@pytest.mark.parametrize("kubernetes", KUBERNETES_VERSIONS)
def test_helm_3_and_4_render_the_same_objects(case: Case, kubernetes: str) -> None:
    three, four = (
        parse(template(case, helm_version=version, kubernetes=kubernetes))
        for version in HELM_VERSIONS
    )
    key = lambda manifest: (manifest["kind"], manifest["metadata"]["name"])  # noqa: E731
    assert sorted(three, key=key) == sorted(four, key=key)


@every_case
@pytest.mark.parametrize("version", HELM_VERSIONS)
def test_helm_lint_has_nothing_to_say(case: Case, version: int) -> None:
    chart = ROOT / "charts" / case.chart
    done = run_helm("lint", "--strict", chart, "--values", case.file, helm_version=version)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout + done.stderr


@every_case
def test_notes_are_written(case: Case) -> None:
    chart = ROOT / "charts" / case.chart
    done = run_helm(
        *("install", "demo", chart, "--values", case.file, "--dry-run=client"),
        f"--namespace={NAMESPACE}",
    )
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert f"helm -n {NAMESPACE} test demo" in notes
    assert "<no value>" not in notes
    assert "%!" not in notes


@every_case
def test_everything_is_in_the_releases_namespace_and_no_object_twice(case: Case) -> None:
    names = [(m["apiVersion"], m["kind"], m["metadata"]["name"]) for m in manifests(case)]
    assert len(set(names)) == len(names)
    assert {m["metadata"]["namespace"] for m in manifests(case)} == {NAMESPACE}


@every_case
def test_only_helm_test_hooks_and_nothing_secret_is_rendered(case: Case) -> None:
    for manifest in manifests(case):
        hook = manifest["metadata"].get("annotations", {}).get("helm.sh/hook")
        assert hook in ({"test"} if manifest["kind"] == "Pod" else {None})
        assert manifest["kind"] != "Secret"


def test_charts_neither_look_up_nor_make_up_anything() -> None:
    unstable = ("lookup ", "rand", "uuidv4", "now ", "now}", "genCA", "genSigned", "genPrivateKey")
    for file in (ROOT / "charts").glob("*/templates/**/*.*"):
        text = file.read_text(encoding="utf-8")
        assert not [word for word in unstable if f"{{{{ {word}" in text or f"({word}" in text], file


@pytest.mark.parametrize("chart", CHARTS)
def test_versions_of_kubernetes_that_are_too_old_are_refused(chart: str) -> None:
    case = Case(chart, "minimal")
    done = run_helm(
        *("template", "demo", ROOT / "charts" / chart, "--values", case.file),
        "--kube-version=1.31",
    )
    assert "chart requires kubeVersion: >=1.32" in done.stderr
