"""What a node lacks to take a pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ops.diagnosis.objects import Object, condition, name
from ops.diagnosis.placing import quantity, selector_lacks, state_lacks, taint_lacks
from ops.preflight_checks.manifests import shown, totals

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
"""Conditions under which the scheduler sends no ordinary pod to a node."""


def lacks(spec: Object, node: Object, pods: Sequence[Object] | None) -> Iterator[str]:
    """What keeps a pod off this node, one by one; `pods` are those on it, None where they are not known."""
    yield from _state(node)
    yield from selector_lacks(spec, node)
    if not _affine(spec, node):
        yield "the pod's node affinity does not match"
    yield from taint_lacks(spec, node)
    yield from _too_little(spec, node, pods)


def free_on(node: Object, pods: Sequence[Object]) -> dict[str, Decimal]:
    """What these pods leave of a node by resource, and how many more `pods` it takes."""
    allocatable = node.get("status", {}).get("allocatable") or {}
    free = {resource: quantity(text) for resource, text in allocatable.items()}
    for pod in pods:
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            for resource, amount in needs(pod["spec"]).items():
                free[resource] = free.get(resource, Decimal(0)) - amount
    return free


def needs(spec: Object) -> dict[str, Decimal]:
    """What a pod takes of a node by resource, and its place among the `pods`."""
    return {**totals(spec, "requests"), "pods": Decimal(1)}


def _state(node: Object) -> Iterator[str]:
    yield from state_lacks(node)
    for pressure in PRESSURES:
        if condition(node, pressure).get("status") == "True":
            yield f"has the condition {pressure}"


def _too_little(spec: Object, node: Object, pods: Sequence[Object] | None) -> Iterator[str]:
    whole, free = free_on(node, ()), free_on(node, pods or ())
    for resource, asked in needs(spec).items():
        there, left = whole.get(resource, Decimal(0)), max(free.get(resource, Decimal(0)), Decimal(0))
        if asked <= left:
            continue
        if not there:
            yield f"no {resource}"
            continue
        free_of = "" if pods is None else f"{shown(resource, left)} free of "
        yield f"{resource}: {shown(resource, asked)} asked, {free_of}{shown(resource, there)} in all"


def _affine(spec: Object, node: Object) -> bool:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return not required or any(_matches(term, node) for term in required["nodeSelectorTerms"])


def _matches(term: Object, node: Object) -> bool:
    labels, fields = node["metadata"].get("labels") or {}, {"metadata.name": name(node)}
    rules = [(labels, rule) for rule in term.get("matchExpressions") or ()]
    rules += [(fields, rule) for rule in term.get("matchFields") or ()]
    return bool(rules) and all(_holds(values.get(rule["key"]), rule) for values, rule in rules)


def _holds(value: str | None, rule: Object) -> bool:
    wanted: list[str] = rule.get("values") or []
    match rule["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(wanted[0])
        case "Lt":
            return value is not None and int(value) < int(wanted[0])
    return False
