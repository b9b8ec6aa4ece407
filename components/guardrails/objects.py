"""What stands around an app in its namespace, as manifests: what the engine registers and what `drift` compares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.guardrails.access import roles
from components.ownership import owner_annotations, owner_labels
from components.platform import Platform
from components.settings import PodSecurityLevel

Manifest = dict[str, Any]

POD_SECURITY = "pod-security.kubernetes.io/"
ENFORCE = f"{POD_SECURITY}enforce"
QUOTA = "ResourceQuota"
PRIORITY_CLASS = "PriorityClass"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Guardrails:
    """What stands around one app; the default is what holds for an app of which nothing more is known."""

    pod_security: PodSecurityLevel = "baseline"
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Specs of NetworkPolicies by name."""
    quota: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of containers: `default` and `defaultRequest`."""
    accounts: Sequence[str] = ()
    """ServiceAccounts that get no token, in place of those that a chart can't be told to make so."""
    priority: int | None = None
    budgets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels of pods by the name of the PodDisruptionBudget that lets one of them at a time be taken away."""


def pod_security_labels(level: PodSecurityLevel) -> dict[str, str]:
    """The labels of a namespace: what its level refuses, and what it warns of and writes into the audit log."""
    enforced = {} if level == "privileged" else {ENFORCE: level}
    return {**enforced, f"{POD_SECURITY}warn": "restricted", f"{POD_SECURITY}audit": "restricted"}


def priority_class(namespace: str, priority: int) -> str:
    """The name of the PriorityClass of a namespace's pods; of the whole cluster's, so the namespace makes it unique.

    The API server takes no other value for a class (1.36), and pods keep what they got. So the value is in the name:
    another priority is another class, to which the pods roll before the one that they had goes.
    """
    return f"{namespace}-pods-{priority}"


def priority_of(class_name: Any, namespace: str) -> int | None:
    """The priority of a class that `priority_class` named; None for any other class, or none."""
    found = re.fullmatch(re.escape(namespace) + r"-pods-(-?\d+)", str(class_name))
    return int(found[1]) if found else None


def objects_around(
    name: str, platform: Platform, guardrails: Guardrails, namespace: str, labels: Mapping[str, str]
) -> dict[str, Manifest]:
    """The manifests by the name that the engine knows each under; `labels` are the app's own."""

    def manifest(version: str, kind: str, own_name: str, **rest: Any) -> Manifest:
        metadata: Manifest = {
            "name": own_name,
            "labels": owner_labels(platform, labels),
            "annotations": owner_annotations(platform),
        }
        if kind != PRIORITY_CLASS:
            metadata["namespace"] = namespace
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}

    found = {
        f"{name}-{policy}": manifest("networking.k8s.io/v1", "NetworkPolicy", policy, spec=dict(spec))
        for policy, spec in guardrails.policies.items()
    }
    if guardrails.quota:
        found[f"{name}-quota"] = manifest("v1", QUOTA, name, spec={"hard": dict(guardrails.quota)})
    if guardrails.limits:
        item = {"type": "Container", **guardrails.limits}
        found[f"{name}-limits"] = manifest("v1", "LimitRange", name, spec={"limits": [item]})
    for account in guardrails.accounts:
        found[account] = manifest("v1", "ServiceAccount", account, automountServiceAccountToken=False)
    if guardrails.priority is not None:
        own_name = priority_class(namespace, guardrails.priority)
        described = f"Pods of the namespace {namespace}"
        found[own_name] = manifest(
            "scheduling.k8s.io/v1", PRIORITY_CLASS, own_name, value=guardrails.priority, description=described
        )
    for budget, selected in guardrails.budgets.items():
        spec = {
            "maxUnavailable": 1,
            "selector": {"matchLabels": dict(selected)},
            # A pod that isn't ready serves nobody: it must not keep its node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }
        found[f"{name}-{budget}-budget"] = manifest("policy/v1", "PodDisruptionBudget", budget, spec=spec)
    for role, (rules, groups) in roles(platform.access).items():
        ref = {"apiGroup": RBAC, "kind": "Role", "name": role}
        members = [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups]
        found[f"{name}-{role}"] = manifest(f"{RBAC}/v1", "Role", role, rules=[rule.as_dict() for rule in rules])
        found[f"{name}-{role}-binding"] = manifest(f"{RBAC}/v1", "RoleBinding", role, roleRef=ref, subjects=members)
    return found
