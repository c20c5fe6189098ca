"""The values of the charts: what is refused, what is documented, what is used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from rendering import CASES, CHARTS, HELM_VERSIONS, ROOT, Case, refusal, run_helm, template

every_chart = pytest.mark.parametrize("chart", CHARTS)

# Values that are refused, and what the message has to name.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("github-stream", {"sorce": {}}, "sorce"),
    ("github-stream", {"source": {"typo": 1}}, "typo"),
    ("github-stream", {"source": {"type": "search"}}, "type"),
    ("github-stream", {"source": {"scope": []}}, "scope"),
    ("github-stream", {"source": {"scope": ["kubernetes"]}}, "scope"),
    ("github-stream", {"source": {"apiUrl": "api.github.com"}}, "apiUrl"),
    ("github-stream", {"source": {"deduplicationWindow": "1h"}}, "deduplicationWindow"),
    ("github-stream", {"source": {"speed": "fast"}}, "speed"),
    ("github-stream", {"source": {"image": {"digest": "sha256:1"}}}, "digest"),
    ("github-stream", {"kafka": {"bootstrapServers": "kafka"}}, "bootstrapServers"),
    ("github-stream", {"kafka": {"bootstrapServers": ""}}, "bootstrapServers"),
    ("github-stream", {"kafka": {"securityProtocol": "TLS"}}, "securityProtocol"),
    ("github-stream", {"topic": {"name": "a topic"}}, "name"),
    ("github-stream", {"topic": {"partitions": 0}}, "partitions"),
    ("github-stream", {"spark": {"mode": "batch"}}, "mode"),
    ("github-stream", {"spark": {"trigger": "soon"}}, "trigger"),
    ("github-stream", {"spark": {"checkpoint": {"url": "/tmp/x"}}}, "url"),
    ("github-stream", {"spark": {"driver": {"memory": "1Gi"}}}, "memory"),
    ("github-stream", {"spark": {"executor": {"instances": 0}}}, "instances"),
    ("github-stream", {"store": {"urlSecretRef": {"name": ""}}}, "name"),
    ("github-stream", {"dashboard": {"service": {"port": 70000}}}, "port"),
    ("github-stream", {"pod": {"volumes": [{}]}}, "name"),
    ("github-stream", {"dashboard": {"pod": {"nodeselector": {}}}}, "nodeselector"),
    ("platform", {"kafka": {"nodes": 2}}, "nodes"),
    ("platform", {"kafka": {"mode": "none"}}, "mode"),
    ("platform", {"kafka": {"clusterId": "short"}}, "clusterId"),
    ("platform", {"postgresql": {"user": "Robert'); DROP TABLE"}}, "user"),
    ("platform", {"postgresql": {"password": "secret"}}, "password"),
]
# What no schema can say: settings that need one another.
CONTRADICTORY: list[tuple[str, dict[str, Any], str]] = [
    ("github-stream", {"source": {"type": "archive"}}, "source.files is empty"),
    (
        "github-stream",
        {"kafka": {"securityProtocol": "SASL_SSL"}},
        "kafka.sasl.secretRef.name is empty",
    ),
    ("github-stream", {"topic": {"createdBy": "strimzi"}}, "topic.strimzi.cluster is empty"),
    ("github-stream", {"dashboard": {"threads": 8}}, "dashboard.threads is 8"),
    (
        "github-stream",
        {"dashboard": {"autoscaling": {"minReplicas": 9}}},
        "dashboard.autoscaling.minReplicas is above",
    ),
    (
        "github-stream",
        {"dashboard": {"httpRoute": {"enabled": True}}},
        "dashboard.httpRoute.parentRefs is empty",
    ),
    (
        "platform",
        {"postgresql": {"passwordSecretRef": {"name": ""}}},
        "postgresql.passwordSecretRef.name is empty",
    ),
]


@pytest.mark.parametrize("version", HELM_VERSIONS)
@pytest.mark.parametrize(("chart", "values", "named"), REFUSED, ids=str)
def test_a_wrong_value_is_refused_by_its_name(
    chart: str, values: dict[str, Any], named: str, version: int
) -> None:
    message = refusal(chart, values, helm_version=version)
    assert "schema" in message
    assert named in message


@pytest.mark.parametrize(("chart", "values", "said"), CONTRADICTORY, ids=str)
def test_settings_that_lack_another_are_refused(
    chart: str, values: dict[str, Any], said: str
) -> None:
    assert said in refusal(chart, values)


# For a stream, 36 letters: the spark-operator appends the nanoseconds of now to a scheduled run's
# name, Spark "-driver", and 63 is a label's limit.
@pytest.mark.parametrize(
    ("chart", "release"),
    [
        ("github-stream", "r" * 37),
        ("github-stream", "1st"),
        ("platform", "r" * 41),
        ("platform", "1st"),
    ],
)
def test_a_name_that_spark_or_kubernetes_cannot_take_is_refused(chart: str, release: str) -> None:
    case = Case(chart, "minimal")
    done = run_helm("template", release, ROOT / "charts" / chart, "--values", case.file)
    assert f'the name "{release}" of the release has to begin with a letter' in done.stderr


@pytest.mark.parametrize("version", HELM_VERSIONS)
@every_chart
def test_a_chart_can_be_a_subchart(chart: str, version: int, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    dependency = {
        "name": chart,
        "version": "0.1.0",
        "repository": f"file://{ROOT / 'charts' / chart}",
        "condition": f"{chart}.enabled",
    }
    about = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    own = yaml.safe_load(Case(chart, "minimal").file.read_text(encoding="utf-8"))
    values = {"global": {"anything": 1}, chart: own | {"enabled": True}}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    (parent / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    (parent / "charts").mkdir()
    (parent / "charts" / chart).symlink_to(ROOT / "charts" / chart)
    done = run_helm("template", "demo", parent, helm_version=version)
    assert done.returncode == 0, done.stderr
    assert f"# Source: parent/charts/{chart}/" in done.stdout


@every_chart
def test_readme_and_schema_are_those_of_the_comments(chart: str) -> None:
    for path, text in document().documents(ROOT / "charts" / chart).items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is old: make charts"


def test_a_value_without_a_description_is_an_error() -> None:
    with pytest.raises(document().CommentError, match=r"^a\.c has no description"):
        document().read("# A thing.\na:\n  # Its part.\n  b: 1\n\n  c: 2\n")


def test_a_list_that_does_not_tell_what_it_holds_is_an_error() -> None:
    with pytest.raises(document().CommentError, match=r"^a: an empty list"):
        document().read("# A thing.\na: []\n")


@every_chart
def test_the_readmes_table_names_every_value(chart: str) -> None:
    folder = ROOT / "charts" / chart
    readme = (folder / "README.md").read_text(encoding="utf-8")
    schema = json.loads((folder / "values.schema.json").read_text(encoding="utf-8"))
    for path, _ in leaves(schema):
        assert f"| `{path}` |" in readme


@every_chart
def test_every_value_changes_what_is_rendered(chart: str) -> None:
    schema_file = ROOT / "charts" / chart / "values.schema.json"
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    cases = [case for case in CASES if case.chart == chart]
    # Most values are seen at once, by marks; those that hide each other are tried one by one.
    marked = dict(marks(schema))
    options = [f"--set-json={path}={json.dumps(value)}" for path, (_, value) in marked.items()]
    rendered = "".join(rendering_of(case, *options) for case in cases)
    seen = {path for path, (mark, _) in marked.items() if mark in rendered}
    rest = [(path, leaf) for path, leaf in leaves(schema) if path not in seen]
    assert len(seen) > len(rest)
    assert not [path for path, leaf in rest if not has_effect(path, leaf, cases)]


def rendering_of(case: Case, *options: str) -> str:
    """What values give that the schema need not allow; nothing if a template refuses them."""
    chart = ROOT / "charts" / case.chart
    fixed = ("--namespace=streams", "--kube-version=1.34", "--skip-schema-validation")
    return run_helm("template", "demo", chart, "--values", case.file, *fixed, *options).stdout


def has_effect(path: str, schema: Mapping[str, Any], cases: list[Case]) -> bool:
    # A set of values that names the key comes first: there it most likely counts.
    last = path.rpartition(".")[2]
    likely_first = sorted(cases, key=lambda case: last not in case.file.read_text(encoding="utf-8"))
    for case in likely_first:
        for other in others(schema):
            changed = rendering_of(case, f"--set-json={path}={json.dumps(other)}")
            if changed not in {"", template(case)}:
                return True
    return False


def marks(schema: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Path, mark and a value with that mark, for what may hold any text or any key."""
    for number, (path, leaf) in enumerate(leaves(schema)):
        mark = f"mark-{number:03d}"
        if "$ref" in leaf:
            yield path, (mark, {"labels": {mark: "yes"}})
        elif leaf["type"] == "string" and "enum" not in leaf:
            yield path, (mark, mark)
        elif leaf["type"] == "object":
            yield path, (mark, {mark: "yes"})


def others(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Values that differ from the default."""
    if "$ref" in schema:
        yield {"labels": {"changed": "yes"}}
    elif "enum" in schema:
        yield from schema["enum"]
    elif schema["type"] == "boolean":
        yield from (True, False)
    elif schema["type"] == "integer" or isinstance(schema["type"], list):
        yield from (3, 70)
    elif schema["type"] == "array":
        kind = schema["items"]["type"]
        yield [{"integer": 7, "object": {"name": "changed"}}.get(kind, "changed")]
    elif schema["type"] == "object":
        yield {"changed": "yes"}
    else:
        yield from ("changed", "https://changed.example.com:7")


def leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, part in schema["properties"].items():
        if "properties" in part:
            yield from leaves(part, f"{prefix}{name}.")
        elif name not in {"global", "enabled"} or prefix:
            yield prefix + name, part


def document() -> ModuleType:
    """charts/document.py, which is no package's."""
    if "charts_document" not in sys.modules:
        spec = spec_from_file_location("charts_document", ROOT / "charts" / "document.py")
        assert spec
        assert spec.loader
        made = module_from_spec(spec)
        sys.modules["charts_document"] = made
        spec.loader.exec_module(made)
    return sys.modules["charts_document"]


def test_make_charts_leaves_current_files_as_they_are(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (ROOT / "charts").glob("*/*.*")}
    subprocess.run([sys.executable, ROOT / "charts" / "document.py"], check=True)
    assert before == {path: path.read_bytes() for path in before}
