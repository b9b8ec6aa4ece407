"""Which nodes can take a pod, and whether several pods fit on the nodes together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ops.diagnosis.objects import Object, name
from ops.diagnosis.placing import named
from ops.preflight_checks.nodes import lacks
from ops.preflight_checks.view import Unreadable

SHOWN = 6
"""Lines about nodes that one message has."""
STEPS = 5000
"""Tries to place pods before it is given up; far more than a few pods on a few dozen nodes take."""

Used = Mapping[str, Sequence[Object] | Unreadable]


@dataclass(frozen=True)
class Options:
    """What the nodes are to a pod."""

    sure: Sequence[str]
    """Nodes that can take it."""
    unsure: Sequence[str]
    """Nodes that can take it if what is in use there, which is not known, leaves enough."""
    lines: Sequence[str]
    """What each of the others lacks; the nearest to being able first."""


def options(spec: Object, nodes: Sequence[Object], used: Used) -> Options:
    """Sorts the nodes by whether they can take the pod."""
    sure: list[str] = []
    unsure: list[str] = []
    others: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for node in nodes:
        pods = used.get(name(node))
        known = None if pods is None or isinstance(pods, Unreadable) else pods
        lacking = tuple(lacks(spec, node, known))
        if lacking:
            others[lacking].append(name(node))
        else:
            (unsure if known is None else sure).append(name(node))
    nearest = sorted(others.items(), key=lambda item: len(item[0]))
    lines = [f"{named(members)}: {', '.join(lacking)}" for lacking, members in nearest]
    if len(lines) > SHOWN:
        rest = sum(len(members) for _, members in nearest[SHOWN:])
        lines = [*lines[:SHOWN], f"and {rest} more nodes"]
    return Options(sure, unsure, lines)


@dataclass(frozen=True)
class Placing:
    """A pod to be placed: what it takes, and the nodes that may have it."""

    asked: Mapping[str, Decimal]
    nodes: Sequence[str]


def fit_together(pods: Sequence[Placing], free: Mapping[str, Mapping[str, Decimal]]) -> bool | None:
    """Whether there is a way to place all pods; None where that could not be found out in a few thousand steps."""
    left = {node: dict(amounts) for node, amounts in free.items()}
    # Those with the fewest nodes first, of these the largest.
    order = sorted(pods, key=lambda pod: (len(pod.nodes), -pod.asked.get("memory", Decimal(0))))
    steps = [STEPS]

    def place(index: int) -> bool:
        if index == len(order):
            return True
        asked = {**order[index].asked, "pods": Decimal(1)}
        tried: set[tuple[tuple[str, Decimal], ...]] = set()
        for node in sorted(order[index].nodes, key=lambda each: left[each].get("memory", Decimal(0))):
            # Nodes that are alike need not be tried twice.
            alike = tuple(sorted(left[node].items()))
            if alike in tried or any(left[node].get(resource, Decimal(0)) < asked[resource] for resource in asked):
                continue
            tried.add(alike)
            steps[0] -= 1
            if steps[0] < 0:
                return False
            _take(left[node], asked, -1)
            if place(index + 1):
                return True
            _take(left[node], asked, 1)
        return False

    if place(0):
        return True
    return None if steps[0] < 0 else False


def _take(left: dict[str, Decimal], asked: Mapping[str, Decimal], sign: int) -> None:
    for resource, amount in asked.items():
        left[resource] = left.get(resource, Decimal(0)) + sign * amount
