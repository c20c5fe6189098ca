"""What holds of every pod of every set of values, Spark's driver and executors among them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from rendering import CASES, Case, Manifest, Pod, manifests, pods

every_case = pytest.mark.parametrize("case", CASES, ids=str)

# Of the restricted Pod Security Standard.
VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}
LONG_RUNNING = {"Deployment", "StatefulSet", "Spark driver"}
DIGEST_OR_TAG = re.compile(r"^[\w.\-/:]+:(?!latest\b)[\w][\w.-]*(@sha256:[a-f0-9]{64})?$")


@every_case
def test_pods_pass_the_restricted_standard(case: Case) -> None:
    for pod in pods(manifests(case)):
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True, pod.owner
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod.owner
        assert context.get("runAsUser") != 0, pod.owner
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec), pod.owner
        for volume in pod.spec.get("volumes", []):
            assert set(volume) - {"name"} <= VOLUMES, f"{pod.owner}: {volume}"
        for container in pod.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, pod.owner
            assert own["capabilities"] == {"drop": ["ALL"]}, pod.owner
            assert own["readOnlyRootFilesystem"] is True, pod.owner
            assert not any("hostPort" in port for port in container.get("ports", [])), pod.owner


@every_case
def test_pods_that_run_for_long_have_probes(case: Case) -> None:
    for pod in pods(manifests(case)):
        if pod.kind in LONG_RUNNING:
            for container in pod.spec["containers"]:
                assert {"livenessProbe", "readinessProbe"} <= set(container), pod.owner


@every_case
def test_containers_say_what_they_need(case: Case) -> None:
    for pod in pods(manifests(case)):
        for container in pod.containers:
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), pod.owner
            assert "memory" in resources["limits"], pod.owner


@every_case
def test_images_are_of_a_version(case: Case) -> None:
    for pod in pods(manifests(case)):
        for container in pod.containers:
            assert DIGEST_OR_TAG.match(container["image"]), container["image"]


@every_case
def test_nothing_in_a_container_is_there_twice(case: Case) -> None:
    for pod in pods(manifests(case)):
        assert_unique(volume["name"] for volume in pod.spec.get("volumes", []))
        for container in pod.containers:
            ports = container.get("ports", [])
            assert_unique(entry["name"] for entry in container.get("env", []))
            assert_unique(port["name"] for port in ports)
            assert_unique(port["containerPort"] for port in ports)
            assert_unique(mount["mountPath"] for mount in container.get("volumeMounts", []))


@every_case
def test_what_is_mounted_is_a_volume_of_the_pod(case: Case) -> None:
    claims = {
        claim["metadata"]["name"]
        for manifest in manifests(case)
        if manifest["kind"] == "StatefulSet"
        for claim in manifest["spec"]["volumeClaimTemplates"]
    }
    for pod in pods(manifests(case)):
        known = claims | {volume["name"] for volume in pod.spec.get("volumes", [])}
        for container in pod.containers:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= known, f"{pod.owner}: {mounted - known}"


@every_case
def test_only_the_driver_has_a_token_of_the_kubernetes_api(case: Case) -> None:
    for pod in pods(manifests(case)):
        expected = pod.kind == "Spark driver"
        assert pod.spec["automountServiceAccountToken"] is expected, pod.owner


@every_case
def test_service_accounts_exist_unless_they_were_named(case: Case) -> None:
    objects = manifests(case)
    made = {m["metadata"]["name"] for m in objects if m["kind"] == "ServiceAccount"}
    used = {
        pod.spec["serviceAccountName"] for pod in pods(objects) if "serviceAccountName" in pod.spec
    }
    assert used - made <= {"existing", "spark-workers"}
    assert made <= used


@every_case
def test_selectors_meet_the_pods_they_mean(case: Case) -> None:
    objects = manifests(case)
    everything = list(pods(objects))
    for manifest in objects:
        selector = selector_of(manifest)
        if selector is not None:
            name = f"{manifest['kind']} {manifest['metadata']['name']}"
            selected = [pod for pod in everything if matches(selector, pod.labels)]
            assert len({(pod.kind, pod.owner) for pod in selected}) == 1, name


@every_case
def test_services_lead_to_ports_that_exist(case: Case) -> None:
    objects = manifests(case)
    everything = list(pods(objects))
    for service in (m for m in objects if m["kind"] == "Service"):
        (pod,) = (pod for pod in everything if matches(service["spec"]["selector"], pod.labels))
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in named_ports(pod), service["metadata"]["name"]


@every_case
def test_network_policies_name_ports_that_exist(case: Case) -> None:
    objects = manifests(case)
    everything = list(pods(objects))
    for policy in (m for m in objects if m["kind"] == "NetworkPolicy"):
        (pod,) = (pod for pod in everything if matches(selector_of(policy) or {}, pod.labels))
        for rule in policy["spec"]["ingress"]:
            for port in rule.get("ports", []):
                known = named_ports(pod)
                assert port["port"] in {*known, *known.values()}, policy["metadata"]["name"]


@every_case
def test_network_policies_cover_every_pod_that_runs_for_long(case: Case) -> None:
    objects = manifests(case)
    policies = [selector_of(m) or {} for m in objects if m["kind"] == "NetworkPolicy"]
    if policies:
        for pod in pods(objects):
            if pod.kind in LONG_RUNNING:
                assert any(matches(policy, pod.labels) for policy in policies), pod.owner


@every_case
def test_routes_and_autoscalers_mean_objects_that_exist(case: Case) -> None:
    objects = manifests(case)
    ports = {
        m["metadata"]["name"]: {
            key for port in m["spec"]["ports"] for key in (port["name"], port["port"])
        }
        for m in objects
        if m["kind"] == "Service"
    }
    names = {(m["kind"], m["metadata"]["name"]) for m in objects}
    for manifest in objects:
        spec = manifest.get("spec", {})
        match manifest["kind"]:
            case "Ingress":
                service = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
                assert service["port"]["name"] in ports[service["name"]]
            case "HTTPRoute":
                backend = spec["rules"][0]["backendRefs"][0]
                assert backend["port"] in ports[backend["name"]]
            case "HorizontalPodAutoscaler":
                target = spec["scaleTargetRef"]
                assert (target["kind"], target["name"]) in names
                deployment = next(
                    m
                    for m in objects
                    if m["kind"] == "Deployment" and m["metadata"]["name"] == target["name"]
                )
                assert "replicas" not in deployment["spec"]


@pytest.mark.parametrize(
    ("case", "longest"),
    [(case, 36 if case.chart == "github-stream" else 40) for case in CASES],
    ids=str,
)
def test_names_and_labels_stay_within_their_limits(case: Case, longest: int) -> None:
    for manifest in manifests(case, release="r" * longest):
        assert len(manifest["metadata"]["name"]) <= 63
        assert_labels(manifest["metadata"]["labels"])
        for pod in pods([manifest]):
            assert_labels(pod.labels)


@every_case
def test_helm_test_is_let_through_where_it_knocks(case: Case) -> None:
    objects = manifests(case)
    testers = [pod for pod in pods(objects) if pod.kind == "Pod"]
    for policy in (m for m in objects if m["kind"] == "NetworkPolicy"):
        component = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        if component in {"dashboard", "kafka", "postgresql"}:
            peers = policy["spec"]["ingress"][0].get("from")
            selectors = [peer.get("podSelector", {}).get("matchLabels") for peer in peers or []]
            assert peers is None or any(
                selector and matches(selector, tester.labels)
                for selector in selectors
                for tester in testers
            )


def assert_unique(names: Iterable[Any]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    assert not twice


def assert_labels(labels: Mapping[str, str]) -> None:
    for value in labels.values():
        assert re.fullmatch(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", value), labels


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def named_ports(pod: Pod) -> dict[str, int]:
    ports = [port for container in pod.containers for port in container.get("ports", [])]
    return {port["name"]: port["containerPort"] for port in ports}


def selector_of(manifest: Manifest) -> dict[str, str] | None:
    """The labels that an object selects pods by, or None if it selects none."""
    spec = manifest.get("spec", {})
    found: dict[str, str] | None = None
    match manifest["kind"]:
        case "Service":
            found = spec["selector"]
        case "Deployment" | "StatefulSet" | "PodDisruptionBudget":
            found = spec["selector"]["matchLabels"]
        case "NetworkPolicy":
            found = spec["podSelector"]["matchLabels"]
    return found
