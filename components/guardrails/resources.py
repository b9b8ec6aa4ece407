"""Registers the manifests of `objects.py` as native resources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.guardrails.objects import Manifest

_CLASSES: Mapping[str, Callable[[], Callable[..., pulumi.CustomResource]]] = {
    "LimitRange": lambda: k8s.core.v1.LimitRange,
    "NetworkPolicy": lambda: k8s.networking.v1.NetworkPolicy,
    "PodDisruptionBudget": lambda: k8s.policy.v1.PodDisruptionBudget,
    "PriorityClass": lambda: k8s.scheduling.v1.PriorityClass,
    "ResourceQuota": lambda: k8s.core.v1.ResourceQuota,
    "Role": lambda: k8s.rbac.v1.Role,
    "RoleBinding": lambda: k8s.rbac.v1.RoleBinding,
    "ServiceAccount": lambda: k8s.core.v1.ServiceAccount,
}
"""By kind. The SDK loads what is asked of it, and of these the API groups that a stack has none of stay unread."""


def register(
    manifests: Mapping[str, Manifest],
    namespace: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
    sized: pulumi.ResourceOptions | None = None,
) -> list[pulumi.Resource]:
    """Register each under its key, in `namespace` where it has one.

    `sized` are the options of a LimitRange, which follows from the resources that the release asks for.
    """
    made: list[pulumi.Resource] = []
    for name, manifest in manifests.items():
        metadata = dict(manifest["metadata"])
        if "namespace" in metadata:
            metadata["namespace"] = namespace
        rest: dict[str, Any] = {
            # The SDK's classes take their own inputs in snake case, what is inside them as in a manifest.
            re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", key): value
            for key, value in manifest.items()
            if key not in ("apiVersion", "kind", "metadata")
        }
        of_kind = sized if sized and manifest["kind"] == "LimitRange" else opts
        made.append(_CLASSES[manifest["kind"]]()(name, metadata=metadata, **rest, opts=of_kind))
    return made
