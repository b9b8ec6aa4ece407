"""What the values of a release say of its pods, for when helm has taken release and pods away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.guardrails.devices import AMD, NVIDIA, devices
from components.values import section
from ops.diagnosis.objects import Object

BASIS = ("secrets", "serviceaccounts", "services", "persistentvolumeclaims", "deployments.apps")
"""What every app of the stack is made of; helm keeps its records in Secrets."""
MORE = {
    "librechat": ("configmaps", "statefulsets.apps", "networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy")
}
"""Release → what it is made of besides (2026-11, facts.md)."""


def expected_pods(release: str, values: Mapping[str, Any]) -> dict[str, Object]:
    """The workload that bears the release's name → as much of its pod spec as decides where it can run."""
    resources = {part: dict(values.get("resources", {}).get(part) or {}) for part in ("requests", "limits")}
    tolerations = list(values.get("tolerations") or ())
    # What Ollama's chart 1.77.0 makes of GPUs: a limit, and the toleration of NVIDIA's taint (2026-11, facts.md).
    gpus = devices(values)
    resources["limits"] = {**gpus, **resources["limits"]}
    if gpus and AMD not in gpus:
        key = section(values, "ollama", "gpu").get("nvidiaResource") or NVIDIA
        tolerations.append({"key": key, "operator": "Exists", "effect": "NoSchedule"})
    return {
        release: {
            "nodeSelector": values.get("nodeSelector") or {},
            "tolerations": tolerations,
            "containers": [{"name": release, "resources": resources}],
        }
    }


def expected_resources(release: str) -> tuple[str, ...]:
    """The resources that helm creates for the release."""
    return BASIS + MORE.get(release, ())
