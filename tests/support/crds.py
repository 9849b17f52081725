"""Custom resources against their definitions, as strictly as `kubectl --validate=strict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from support.tools import KEDA, PROMETHEUS_OPERATOR, go_sources, strimzi_crds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """By (apiVersion, kind), the strict schema of every custom resource that we use."""
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): strict(
            version["schema"]["openAPIV3Schema"]
        )
        for path in _files()
        for spec in [yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]]
        for version in spec["versions"]
    }


def faults(resource: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """What is wrong with a resource: a place and a sentence each."""
    found = Draft202012Validator(schema).iter_errors(resource)
    return [f"{fault.json_path}: {fault.message}" for fault in found]


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A definition's schema as JSON Schema that takes no unknown field."""
    made = {name: _part(value) for name, value in schema.items()}
    open_ = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in schema:
        made["properties"] = {name: strict(each) for name, each in schema["properties"].items()}
        if not open_:
            made["additionalProperties"] = False
    if schema.get("nullable"):
        made["type"] = [made["type"], "null"]
    return made


def _part(value: Any) -> Any:
    return strict(value) if isinstance(value, dict) and "type" in value else value


def _files() -> Iterator[Path]:
    yield from sorted(strimzi_crds().glob("*.json"))
    yield go_sources(KEDA) / "config" / "crd" / "bases" / "keda.sh_scaledobjects.yaml"
    crds = go_sources(PROMETHEUS_OPERATOR) / "example" / "prometheus-operator-crd"
    for kind in ("servicemonitors", "prometheusrules"):
        yield crds / f"monitoring.coreos.com_{kind}.yaml"
