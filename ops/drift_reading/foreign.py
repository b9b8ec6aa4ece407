"""Objects in a namespace of ours that somebody created by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ops.diagnosis.history import NAME_PREFIX
from ops.diagnosis.objects import RELEASE_ANNOTATION, Object, annotation, name
from ops.drift_reading.fields import CONTROL_PLANE, Manager, managers_of
from ops.preflight_checks.view import Kind

RESTLESS_GROUPS = frozenset(
    {
        "events.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io", "discovery.k8s.io",
        "coordination.k8s.io",
    }
)  # fmt: skip
"""What the cluster writes by itself, or only computes."""
CLAIM = "PersistentVolumeClaim"
RESTLESS = frozenset({"events", "endpoints", "bindings", "localsubjectaccessreviews"})
ALWAYS_THERE = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
OF_A_STACK = "private-chatgpt/stack"
"""Label of what a stack owns itself (components/ownership.py); `drift` compares those by what they declare."""


def is_looked_at(kind: Kind) -> bool:
    """Whether objects of the kind are made by people: not Events, for instance."""
    return kind.namespaced and kind.group not in RESTLESS_GROUPS and kind.resource not in RESTLESS


def is_by_hand(kind: str, item: Object, ours: Collection[tuple[str, str]], releases: Collection[str]) -> bool:
    """Whether somebody created the object by hand.

    `ours` are kind and name of what the stack declares in the namespace or refers to; `releases` are its releases.
    """
    metadata = item["metadata"]
    if (kind, name(item)) in ours or (kind, name(item)) in ALWAYS_THERE or metadata.get("ownerReferences"):
        return False
    if kind == "Secret" and any(_is_record(name(item), release) for release in releases):
        return False
    managers = managers_of(item)
    if OF_A_STACK in (metadata.get("labels") or {}) and any(manager.is_release for manager in managers):
        return False
    if annotation(item, RELEASE_ANNOTATION) in releases and any(manager.is_release for manager in managers):
        return False  # Left by an earlier revision, as a claim that is kept.
    if kind == CLAIM and _is_of_a_set(item):
        return False
    # What a controller made without saying whose it is.
    return any(manager.name not in CONTROL_PLANE for manager in managers) or not managers


def makers_of(secrets: Iterable[Object], named: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Kind and name of what makes the Secrets among the `named`, such as an ExternalSecret: it owns them.

    Without it the cluster would remove the Secret, too.
    """
    return {
        (owner["kind"], owner["name"])
        for item in secrets
        if ("Secret", name(item)) in named
        for owner in item["metadata"].get("ownerReferences") or ()
    }


def creator(item: Object) -> Manager | None:
    """Who wrote to the object first, as far as its managed fields tell."""
    managers = [manager for manager in managers_of(item) if manager.name not in CONTROL_PLANE]
    return managers[-1] if managers else None


def _is_of_a_set(claim: Object) -> bool:
    """Whether Kubernetes made the claim for a StatefulSet, whoever labelled or enlarged it since.

    Access modes are written once, by who makes the claim; a name tells nothing, and an owner it doesn't have.
    """
    writers = [manager.fields.get("f:spec", {}) for manager in managers_of(claim) if manager.name in CONTROL_PLANE]
    return any("f:accessModes" in fields for fields in writers)


def _is_record(secret: str, release: str) -> bool:
    return secret.startswith(f"{NAME_PREFIX}{release}.v")
