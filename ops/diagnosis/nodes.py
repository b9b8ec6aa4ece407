"""What each node lacks to take a pod."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ops.diagnosis.objects import Object, name
from ops.diagnosis.placing import named, quantity, selector_lacks, state_lacks, taint_lacks

SHOWN_NODES = 6
Kind = Literal["state", "selector", "taint", "resource"]
GIBI = Decimal(2**30)


@dataclass(frozen=True)
class Lack:
    """One thing that keeps a pod off a node."""

    kind: Kind
    text: str
    resource: str = ""
    """Which resource there is too little of."""


def lacks_by_node(pod_spec: Object, nodes: Sequence[Object], used: Mapping[str, Sequence[Object]]) -> list[str]:
    """One line for each node, or for several that lack the same: `gpu-node: nvidia.com/gpu 8 asked, 4 of 4 free`.

    `used` holds the pods on each node; of a node that is not in it nothing is known to be in use.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        found = [lack.text for lack in lacks(pod_spec, node, used.get(name(node)))]
        groups["; ".join(found) or "lacks nothing that can be told from here"].append(name(node))
    lines = [f"{named(members)}: {lack}" for lack, members in groups.items()]
    if len(lines) > SHOWN_NODES:
        rest = sum(len(members) for members in list(groups.values())[SHOWN_NODES:])
        lines = [*lines[:SHOWN_NODES], f"and {rest} more nodes"]
    return lines


def nearest(pod_spec: Object, nodes: Sequence[Object], used: Mapping[str, Sequence[Object]]) -> list[Lack]:
    """What the node lacks that comes nearest to taking the pod: the one with the fewest kinds of lacks."""
    found = [list(lacks(pod_spec, node, used.get(name(node)))) for node in nodes]
    return min(filter(None, found), key=lambda lacking: len({lack.kind for lack in lacking}), default=[])


def lacks(pod_spec: Object, node: Object, pods: Sequence[Object] | None) -> Iterator[Lack]:
    """What keeps the pod off this node, one by one; `pods` are those on it, None where they may not be listed."""
    yield from (Lack("state", text) for text in state_lacks(node))
    yield from (Lack("selector", text) for text in selector_lacks(pod_spec, node))
    yield from (Lack("taint", text) for text in taint_lacks(pod_spec, node))
    yield from _too_little(pod_spec, node, pods)


def no_node_takes(pod_spec: Object, nodes: Sequence[Object], used: Mapping[str, Sequence[Object]]) -> bool:
    """Whether each of the nodes lacks something; False where none is known."""
    return bool(nodes) and all(any(lacks(pod_spec, node, used.get(name(node)))) for node in nodes)


def fits_apart_from_use(pod_spec: Object, node: Object) -> bool:
    """Whether the node could take the pod if it were empty: only then does it matter what is in use there."""
    return not any(lacks(pod_spec, node, ()))


def requests(pod_spec: Object) -> dict[str, Decimal]:
    """What the scheduler reserves for a pod, by resource: the sum of its containers, or its largest init container."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for container in pod_spec.get("containers") or ():
        for resource, amount in _of_container(container).items():
            total[resource] += amount
    for container in pod_spec.get("initContainers") or ():
        for resource, amount in _of_container(container).items():
            total[resource] = max(total[resource], amount)
    for resource, text in (pod_spec.get("overhead") or {}).items():
        total[resource] += quantity(text)
    return {resource: amount for resource, amount in total.items() if amount}


def shown(resource: str, amount: Decimal) -> str:
    """An amount as people write it: memory and storage in Gi, anything else as a number."""
    if resource.endswith(("memory", "storage")):
        return f"{_number(amount / GIBI)}Gi"
    return _number(amount)


def _too_little(pod_spec: Object, node: Object, pods: Sequence[Object] | None) -> Iterator[Lack]:
    allocatable = node.get("status", {}).get("allocatable") or {}
    in_use: dict[str, Decimal] = defaultdict(Decimal)
    for pod in pods or ():
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            in_use["pods"] += 1
            for resource, amount in requests(pod["spec"]).items():
                in_use[resource] += amount
    for resource, asked in {**requests(pod_spec), "pods": Decimal(1)}.items():
        there = quantity(allocatable.get(resource, 0))
        free = max(there - in_use[resource], Decimal(0))
        if asked <= free:
            continue
        rest = "in all" if pods is None else "free"
        left = shown(resource, there) if pods is None else f"{shown(resource, free)} of {shown(resource, there)}"
        text = f"{resource} {shown(resource, asked)} asked, {left} {rest}" if there else f"no {resource}"
        yield Lack("resource", text, resource)


def _of_container(container: Object) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    # The API server fills in a request from a limit; a manifest doesn't have it yet.
    quantities = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return {resource: quantity(text) for resource, text in quantities.items()}


def _number(amount: Decimal) -> str:
    return f"{amount:.2f}".rstrip("0").rstrip(".")
