"""`k8s/` as kustomize builds it: what Kubernetes and the operators take, and what we promise."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamagents.runtime.app import load_app
from support.commands import CHECKOUT
from support.crds import definitions, faults, strict
from support.deployment import SETTINGS
from support.tools import KUSTOMIZE, go_program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)  # the first time, tools are built

OVERLAYS = ["single", "production"]
VERSIONS = ["1.32", "1.37"]
"""The oldest that has all fields by default, and the newest that the validator knows."""

Resource = dict[str, Any]


@cache
def built(overlay: str) -> list[Resource]:
    folder = CHECKOUT / "k8s" / "overlays" / overlay
    done = subprocess.run(
        [go_program(KUSTOMIZE), "build", folder],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> list[Resource]:
    return [each for each in built(overlay) if each["kind"] in kinds]


def workloads(overlay: str) -> list[Resource]:
    return of_kind(overlay, "StatefulSet", "Deployment", "Job")


def ours(overlay: str) -> Iterator[tuple[Resource, Resource]]:
    """Pods that run our image, and their container."""
    for each in workloads(overlay):
        pod = each["spec"]["template"]["spec"]
        [container] = pod["containers"]
        if "streamagents:" in container["image"]:
            yield pod, container


@cache
def custom() -> dict[tuple[str, str], Resource]:
    return definitions()


def refused(resource: Resource, version: str) -> str | None:
    import kubernetes_validate

    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as exc:
        return str(exc.message)
    return None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_takes_every_resource_strictly(overlay: str, version: str) -> None:
    native = [e for e in built(overlay) if (e["apiVersion"], e["kind"]) not in custom()]

    assert [fault for each in native if (fault := refused(each, version))] == []


def test_the_operators_take_every_custom_resource() -> None:
    found = [e for e in built("production") if (e["apiVersion"], e["kind"]) in custom()]

    kinds = {each["kind"] for each in found}
    assert kinds >= {"Kafka", "KafkaNodePool", "KafkaTopic"}
    assert kinds >= {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
    for each in found:
        assert faults(each, custom()[each["apiVersion"], each["kind"]]) == []


def test_a_typing_error_is_refused_everywhere() -> None:
    [worker] = [e for e in of_kind("single", "StatefulSet") if e["metadata"]["name"] == "worker"]
    typo = {**worker, "spec": {**worker["spec"], "replicaz": 3}}
    assert refused(typo, VERSIONS[0]) is not None

    [scaled] = of_kind("production", "ScaledObject")
    schema = custom()[scaled["apiVersion"], "ScaledObject"]
    typo = {**scaled, "spec": {**scaled["spec"], "minReplicas": 3}}
    assert faults(typo, schema) != []
    nested = {**scaled, "spec": {**scaled["spec"], "triggers": [{"type": "kafka", "meta": {}}]}}
    assert faults(nested, schema) != []
    assert "x-kubernetes-int-or-string" not in str(strict({"x-kubernetes-int-or-string": True}))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(overlay: str) -> None:
    [namespace] = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for each in workloads(overlay):
        pod = each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_our_containers_write_nowhere_but_on_volumes(overlay: str) -> None:
    for pod, container in ours(overlay):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert {"/tmp", "/data"} <= set(mounted)
        known = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
        assert set(mounted.values()) <= known


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_serves_is_asked_and_may_take_its_time(overlay: str) -> None:
    for each in of_kind(overlay, "StatefulSet", "Deployment"):
        [container] = each["spec"]["template"]["spec"]["containers"]
        start = container["startupProbe"]
        assert start["periodSeconds"] * start["failureThreshold"] >= 120
        assert {"livenessProbe", "readinessProbe"} <= set(container)
        if "streamagents:" in container["image"]:
            paths = [
                container[probe]["httpGet"]["path"]
                for probe in ("startupProbe", "livenessProbe", "readinessProbe")
            ]
            assert paths == ["/live", "/live", "/ready"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_gets_longer_to_end_than_its_agents_do(overlay: str) -> None:
    grace = float(settings(overlay)["STREAMAGENTS_SHUTDOWN_GRACE_S"])

    for each in of_kind(overlay, "StatefulSet", "Deployment"):
        assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace + 10


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_named_exists(overlay: str) -> None:
    pods = [each["spec"]["template"] for each in workloads(overlay)]
    labels = [pod["metadata"]["labels"] for pod in pods]
    config = {each["metadata"]["name"] for each in of_kind(overlay, "ConfigMap")}
    for each in of_kind(overlay, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = each["spec"]
        selector = spec.get("podSelector", spec.get("selector", {}))
        wanted = selector.get("matchLabels", selector)
        assert any(wanted.items() <= found.items() for found in labels), each["metadata"]["name"]
    for _, container in ours(overlay):
        sources = [each["configMapRef"]["name"] for each in container["envFrom"][:1]]
        assert set(sources) <= config
    accounts = {each["metadata"]["name"] for each in of_kind(overlay, "ServiceAccount")}
    assert {pod["spec"].get("serviceAccountName", "streamagents") for pod in pods} == accounts


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_is_one(overlay: str) -> None:
    assert set(settings(overlay)) <= SETTINGS.keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []
    secrets = {name for name, is_secret in SETTINGS.items() if is_secret}
    assert not secrets & set(settings(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_gets_the_secrets_that_it_needs(overlay: str) -> None:
    blank = {
        container["name"]: {each["name"] for each in container.get("env", []) if not each["value"]}
        for _, container in ours(overlay)
    }
    assert {"STREAMAGENTS_GATEWAY_TOKEN", "GF_SECURITY_ADMIN_PASSWORD"} <= blank["worker"]
    assert {"ANTHROPIC_API_KEY", "GF_SECURITY_ADMIN_PASSWORD"} <= blank["gateway"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_named_neighbours_may_come_in(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    guarded = [each["spec"]["podSelector"]["matchLabels"] for each in policies]
    for each in workloads(overlay):
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert any(wanted.items() <= labels.items() for wanted in guarded)
    for each in policies:
        for rule in each["spec"].get("ingress", []):
            assert rule["from"]
            assert rule["ports"]


def test_workers_are_scaled_on_the_lag_of_their_group_up_to_the_partitions() -> None:
    [scaled] = of_kind("production", "ScaledObject")
    [trigger] = scaled["spec"]["triggers"]
    [worker] = of_kind("production", "StatefulSet")
    said = settings("production")

    assert scaled["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert "replicas" not in worker["spec"]
    assert scaled["spec"]["maxReplicaCount"] == int(said["STREAMAGENTS_PARTITIONS"])
    # Older ones of KEDA take the protocol of this version, and Kafka 4 none below 2.1.
    assert int(trigger["metadata"]["version"].partition(".")[0]) >= 3
    assert trigger["metadata"]["consumerGroup"] == load_app(said["STREAMAGENTS_APP"]).conf.id


def test_the_topics_of_production_are_those_of_the_application() -> None:
    """And its alerts are those that promtool tests."""
    done = subprocess.run(
        [sys.executable, CHECKOUT / "k8s" / "generate.py", "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_production_survives_the_loss_of_a_broker() -> None:
    [kafka] = of_kind("production", "Kafka")
    [pool] = of_kind("production", "KafkaNodePool")
    config = kafka["spec"]["kafka"]["config"]
    assert pool["spec"]["replicas"] == 3
    assert config["transaction.state.log.replication.factor"] == 3
    assert config["transaction.state.log.min.isr"] == 2
    for topic in of_kind("production", "KafkaTopic"):
        spec = topic["spec"]
        assert (spec["replicas"], spec["config"]["min.insync.replicas"]) == (3, "2")


def test_prometheus_finds_workers_and_gateway_under_the_names_that_alerts_use() -> None:
    [monitor] = of_kind("production", "ServiceMonitor")
    [endpoint] = monitor["spec"]["endpoints"]
    services = [
        each
        for each in of_kind("production", "Service")
        if each["metadata"]["labels"]["app.kubernetes.io/name"] == "streamagents"
    ]
    assert {each["metadata"]["name"] for each in services} == {"worker", "gateway"}
    for each in services:
        assert endpoint["port"] in {port["name"] for port in each["spec"]["ports"]}
    assert endpoint["relabelings"][0]["replacement"] == "streamagents-$1"


def settings(overlay: str) -> dict[str, str]:
    [config] = of_kind(overlay, "ConfigMap")
    return dict(config["data"])
