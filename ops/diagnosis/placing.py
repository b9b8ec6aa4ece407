"""What the scheduler looks at before it looks at resources: a node's state, its labels and its taints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from ops.diagnosis.objects import Object, condition

OF_KUBERNETES = "node.kubernetes.io/"
"""Taints that say again that the node is cordoned, not Ready, or under pressure."""


def state_lacks(node: Object) -> Iterator[str]:
    """Why a node takes no pod at all."""
    if condition(node, "Ready").get("status") not in (None, "True"):
        yield "is not Ready"
    if node.get("spec", {}).get("unschedulable"):
        yield "is cordoned"


def selector_lacks(spec: Object, node: Object) -> Iterator[str]:
    """Which labels of the pod's node selector a node lacks."""
    labels = node["metadata"].get("labels") or {}
    for key, value in (spec.get("nodeSelector") or {}).items():
        if labels.get(key) != value:
            yield f"no label {key}={value}" + (f" (has {key}={labels[key]})" if key in labels else "")


def taint_lacks(spec: Object, node: Object) -> Iterator[str]:
    """Which taints of a node the pod does not tolerate."""
    for taint in node.get("spec", {}).get("taints") or ():
        hard = taint["effect"] in ("NoSchedule", "NoExecute") and not taint["key"].startswith(OF_KUBERNETES)
        if hard and not any(_tolerates(item, taint) for item in spec.get("tolerations") or ()):
            value = f"={taint['value']}" if taint.get("value") else ""
            yield f"taint {taint['key']}{value}:{taint['effect']} is not tolerated"


def quantity(text: object) -> Decimal:
    """A quantity as Kubernetes writes it, such as 500m or 2Gi, as a number; raises ValueError where it is none."""
    return Decimal(parse_quantity(text))  # type: ignore[no-untyped-call]


def named(members: Sequence[str]) -> str:
    """Nodes by their names, of many the first two and how many more."""
    if len(members) <= 3:
        return ", ".join(members)
    return f"{members[0]}, {members[1]} and {len(members) - 2} more nodes"


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")
