"""Changes that the API server refuses: the object would have to be deleted and made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ops.diagnosis.claims import KEEP
from ops.diagnosis.objects import Object
from ops.preflight_checks.manifests import Claim, shown
from ops.upgrading.comparing import Comparison, by_name

STATEFUL_SET_MUTABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
"""All of its spec that may change, as Kubernetes 1.36 says in its refusal."""


def refused(before: Sequence[Object], after: Sequence[Object]) -> list[str]:
    """What stands in the way of the upgrade, each with what to do."""
    old, new = by_name(before), by_name(after)
    return [
        text
        for key in sorted(old.keys() & new.keys())
        if (rule := RULES.get(old[key]["kind"])) is not None
        for text in rule(key, old[key], new[key])
    ]


def volumes_left(before: Sequence[Object], comparison: Comparison) -> list[str]:
    """Claims that the new version has no use for, each with what becomes of the data."""
    old = by_name(before)
    found: list[str] = []
    for claim in comparison.claims_removed:
        own = old.get(f"PersistentVolumeClaim {claim}")
        annotations = (own or {}).get("metadata", {}).get("annotations") or {}
        fate = (
            "stays, and so does what is in it, but nothing mounts it any more"
            if own is None or annotations.get(KEEP) == "keep"
            else "is DELETED by helm, with what is in it"
        )
        instead = f" The new version mounts {', '.join(comparison.claims_added)}." if comparison.claims_added else ""
        found.append(f"Claim {claim} {fate}.{instead} Back its data up, and move it over by hand")
    return found


def _selector(key: str, before: Object, after: Object) -> Iterator[str]:
    old, new = _spec(before).get("selector"), _spec(after).get("selector")
    if old != new:
        yield (
            f"{key}: spec.selector changes from {_labels(old)} to {_labels(new)}, which the API server refuses. Delete "
            "it first (kubectl delete, its pods go too); the upgrade makes it anew"
        )


def _stateful_set(key: str, before: Object, after: Object) -> Iterator[str]:
    old, new = _spec(before), _spec(after)
    fields = sorted(
        field for field in (old.keys() | new.keys()) - STATEFUL_SET_MUTABLE if old.get(field) != new.get(field)
    )
    if fields:
        yield (
            f"{key}: {', '.join(f'spec.{field}' for field in fields)} {'change' if fields[1:] else 'changes'}, which "
            "the API server refuses. Delete it first, its pods and claims stay (kubectl delete --cascade=orphan); the "
            "upgrade makes it anew. Claims that are there keep class and size"
        )


def _claim(key: str, before: Object, after: Object) -> Iterator[str]:
    old, new = Claim(key, _spec(before)), Claim(key, _spec(after))
    fields = sorted(
        field
        for field in (old.spec.keys() | new.spec.keys()) - {"resources", "volumeAttributesClassName"}
        if old.spec.get(field) != new.spec.get(field)
    )
    if fields:
        changed = ", ".join(f"spec.{field}" for field in fields)
        yield f"{key}: {changed} can't change on a claim that is there. Keep it as it is, by {_in_values()}"
    if new.size < old.size:
        sizes = f"{shown('storage', old.size)} to {shown('storage', new.size)}"
        yield f"{key}: a claim can't shrink from {sizes}. Keep its size, by {_in_values()}"


def _role(key: str, before: Object, after: Object) -> Iterator[str]:
    if before.get("roleRef") != after.get("roleRef"):
        yield f"{key}: roleRef changes, which the API server refuses. Delete it first; the upgrade makes it anew"


def _job(key: str, before: Object, after: Object) -> Iterator[str]:
    if _spec(before).get("template") != _spec(after).get("template"):
        yield f"{key}: a Job's pods can't change. Delete it first; the upgrade makes it anew"


def _in_values() -> str:
    return "the storage settings of the stack or its values"


def _spec(item: Object) -> Mapping[str, Any]:
    return item.get("spec") or {}


def _labels(selector: Any) -> str:
    labels = (selector or {}).get("matchLabels") or {}
    return "{" + ", ".join(f"{label}: {labels[label]}" for label in sorted(labels)) + "}"


Rule = Callable[[str, Object, Object], Iterator[str]]
RULES: Mapping[str, Rule] = {
    "Deployment": _selector,
    "ReplicaSet": _selector,
    "DaemonSet": _selector,
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "RoleBinding": _role,
    "ClusterRoleBinding": _role,
    "Job": _job,
}
