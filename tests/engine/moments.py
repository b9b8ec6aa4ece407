"""What was so at any moment of a block, from the API server's own history of every change, so that none is missed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from kubernetes import watch
from kubernetes.client import ApiClient, CoreV1Api

from ops.diagnosis.placing import quantity
from ops.preflight_checks.manifests import Part, totals
from tests.engine.nodes import counted

ENDED = ("Succeeded", "Failed")
"""Phases of pods that no quota counts."""
PARTS: tuple[Part, ...] = ("requests", "limits")


@contextmanager
def lowest(api: ApiClient, namespaces: Sequence[str]) -> Iterator[Counter[str]]:
    """The least of each app's pods that were ready at any moment of the block; filled in at its end."""
    found: Counter[str] = Counter()
    moments = _from_now_on(CoreV1Api(api).list_pod_for_all_namespaces)
    yield found
    first, *later = [counted(pods, namespaces) for pods in moments()]
    assert later, "no pod changed"
    found.update({app: min(now[app] for now in (first, *later)) for app in first})


@contextmanager
def most_taken(api: ApiClient, namespace: str) -> Iterator[dict[str, Decimal]]:
    """The most of each entry of a quota that a namespace took at any moment of the block; filled in at its end.

    What is there counts, also while it ends. The quota's own count is no measure: it keeps a pod for a moment longer.
    """
    core, found = CoreV1Api(api), dict[str, Decimal]()
    pods = _from_now_on(core.list_pod_for_all_namespaces)
    claims = _from_now_on(core.list_persistent_volume_claim_for_all_namespaces)
    yield found
    for moments, taken in ((pods, _by_pods), (claims, _by_claims)):
        for items in moments():
            inside = [item for item in items if item.metadata.namespace == namespace]
            there = api.sanitize_for_serialization(inside)  # type: ignore[no-untyped-call]
            for name, number in taken(there).items():
                found[name] = max(found.get(name, Decimal(0)), number)


def _from_now_on(listing: Callable[..., Any]) -> Callable[[], Iterator[list[Any]]]:
    """Tells later what a listing says now and what it said after each change since."""
    first = listing()

    def moments() -> Iterator[list[Any]]:
        items = {item.metadata.uid: item for item in first.items}
        yield list(items.values())
        changes: Any = watch.Watch().stream(  # type: ignore[no-untyped-call]
            listing, resource_version=first.metadata.resource_version, timeout_seconds=2
        )
        for event in changes:
            item: Any = event["object"]
            items[item.metadata.uid] = item
            if event["type"] == "DELETED":
                del items[item.metadata.uid]
            yield list(items.values())

    return moments


def _by_pods(pods: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    found = defaultdict[str, Decimal](Decimal)
    for pod in pods:
        if pod["status"].get("phase") not in ENDED:
            found["pods"] += 1
            for part in PARTS:
                for resource, number in totals(pod["spec"], part).items():
                    found[f"{part}.{resource}"] += number
    return found


def _by_claims(claims: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    sizes = [quantity(claim["spec"]["resources"]["requests"]["storage"]) for claim in claims]
    return {"persistentvolumeclaims": Decimal(len(sizes)), "requests.storage": sum(sizes, Decimal(0))}
