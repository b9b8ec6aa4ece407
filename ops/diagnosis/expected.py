"""What the values of a release say of its pods, for when helm has taken release and pods away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    gpu = values.get("ollama", {}).get("gpu", {}) if isinstance(values.get("ollama"), Mapping) else {}
    if gpu.get("enabled"):
        # What Ollama's chart 1.77.0 makes of it: a limit, and the toleration of NVIDIA's taint (2026-11, facts.md).
        resource = "amd.com/gpu" if gpu.get("type") == "amd" else "nvidia.com/gpu"
        resources["limits"][resource] = gpu.get("number", 1)
        if resource == "nvidia.com/gpu":
            tolerations.append({"key": resource, "operator": "Exists", "effect": "NoSchedule"})
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
