"""ResourceQuota and LimitRange of an app's namespace, from what its Helm values ask for.

The sum of what the app's pods take, with one rolling update of each at the same time, and the Jobs of ops/ beside them.
What a quota counts for a moment after it has gone is not added: whatever makes the next pod tries again at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from components.faults import Fault
from components.guardrails.quantities import amount, written
from components.replicas import most
from components.values import entries, section, whole

Amounts = Mapping[str, str]

DEFAULT_REQUESTS = {"cpu": "100m", "memory": "128Mi"}
"""For containers that name none: without, a quota refuses their pods."""
DEFAULT_LIMIT = "1Gi"
"""Memory of a container that names no limit, where all of the app's own do."""
_SIZES = {
    "nano": ("100m", "128Mi", "192Mi"),
    "micro": ("250m", "256Mi", "384Mi"),
    "small": ("500m", "512Mi", "768Mi"),
    "medium": ("500m", "1Gi", "1536Mi"),
    "large": ("1", "2Gi", "3Gi"),
}
PRESETS: Mapping[str, Mapping[str, Amounts]] = {
    "none": {},
    **{
        name: {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}
        for name, (cpu, memory, limit) in _SIZES.items()
    },
}
"""What `resourcesPreset` means to Bitnami's charts where `resources` is empty (common, _resources.tpl, 2026-11).

Those above large have changed between versions, so they are refused.
"""
JOBS = 2
"""Pods of ops/ that may run beside the app: a password change, a backup."""
OF_A_JOB: Mapping[str, Amounts] = {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
"""What the container of each asks for, whatever the database's does."""
CLOSED = {"services.nodeports": "0", "services.loadbalancers": "0"}
"""Ways into the cluster that no app of this program uses."""


@dataclass(frozen=True)
class Pods:
    """The pods of one workload, as far as quotas count them."""

    requests: Amounts
    limits: Amounts
    replicas: int = 1
    rolling: bool = False
    """Whether an update starts pods while those that they replace are there: they count until they are gone."""

    @property
    def at_most(self) -> int:
        """Pods during an update; how many end at a time doesn't matter, as each may take its time to end."""
        return self.replicas * (2 if self.rolling else 1)


@dataclass(frozen=True)
class Usage:
    """What an app takes."""

    pods: Sequence[Pods]
    claims: Sequence[str] = ()
    """Sizes."""
    reaches_out: bool = False
    """Whether the values ask for a Service that reaches out of the cluster."""


def of_deployment(values: Mapping[str, Any], more_limits: Amounts | None = None) -> Pods:
    """The pods of a Deployment with `updateStrategy` and `autoscaling` beside the keys below, as both charts have."""
    _, replicas = most(values)
    # A StatefulSet, and a Deployment that is recreated, wait until a pod is gone.
    rolling = section(values, "updateStrategy").get("type") != "Recreate"
    return replace(of_resources(values, more_limits), replicas=replicas, rolling=rolling)


def of_resources(values: Mapping[str, Any], more_limits: Amounts | None = None, *, preset: str = "none") -> Pods:
    """The pods of a workload with the keys `replicaCount`, `resources` and `initContainers`.

    `preset` is the chart's own `resourcesPreset`, for a workload that has this key, too.
    """
    resources = values.get("resources") or PRESETS.get(str(values.get("resourcesPreset") or preset), {})
    limits = {**(more_limits or {}), **(resources.get("limits") or {})}
    # The API server takes a limit for the request where there is none.
    requests = {**limits, **(resources.get("requests") or {})}
    pods = Pods(_texts(requests), _texts(limits), whole(values.get("replicaCount"), 1))
    for container in init_containers(values).values():
        pods = _begun_by(pods, of_resources({"resources": container.get("resources")}))
    return pods


def init_containers(values: Mapping[str, Any]) -> dict[str | int, Mapping[str, Any]]:
    """A workload's `initContainers` by the key or place that each has there."""
    return {key: item for key, item in entries(values.get("initContainers")).items() if isinstance(item, Mapping)}


def _begun_by(pods: Pods, init: Pods) -> Pods:
    """The pods with a container that runs before theirs: of each resource counts what is more (kubernetes.io)."""
    requests = _larger({**DEFAULT_REQUESTS, **pods.requests}, {**DEFAULT_REQUESTS, **init.requests})
    limits = _larger(pods.limits, {"memory": DEFAULT_LIMIT, **init.limits}) if "memory" in pods.limits else pods.limits
    return replace(pods, requests=requests, limits=limits)


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, "0"), other.get(name, "0"), key=amount) for name in {**one, **other}}


def quota(usage: Usage, override: Amounts) -> dict[str, str]:
    """The `hard` part of the namespace's ResourceQuota; `override` wins, entry by entry."""
    found = {name: written(number) for name, number in needed(usage).items()}
    return {**found, **({} if usage.reaches_out else CLOSED), **override}


def needed(usage: Usage) -> dict[str, Decimal]:
    """The least that a quota has to grant the app, by the names that quotas have for it.

    Limits of memory only where every container has one: a quota would refuse the others.
    """
    total: dict[str, Decimal] = defaultdict(Decimal)
    limited = _all_limited(usage.pods)
    for pods in (*usage.pods, Pods(OF_A_JOB["requests"], OF_A_JOB["limits"], JOBS)):
        total["pods"] += pods.at_most
        for name, text in {**DEFAULT_REQUESTS, **pods.requests}.items():
            # Of a resource such as nvidia.com/gpu a quota knows requests only (kubernetes.io, 2026-11).
            if name in DEFAULT_REQUESTS or "/" in name:
                total[f"requests.{name}"] += amount(text) * pods.at_most
        if limited:
            total["limits.memory"] += amount(pods.limits["memory"]) * pods.at_most
    total["persistentvolumeclaims"] += len(usage.claims)
    total["requests.storage"] += sum(map(amount, usage.claims), Decimal(0))
    return dict(total)


def limit_range(usage: Usage) -> dict[str, dict[str, str]]:
    """What a container gets that asks for nothing: `defaultRequest`, and `default` where all of the app's are limited.

    Only then, since a default limit below what a container requests makes its pod invalid.
    """
    if not _all_limited(usage.pods):
        return {"defaultRequest": dict(DEFAULT_REQUESTS)}
    return {"defaultRequest": dict(DEFAULT_REQUESTS), "default": {"memory": DEFAULT_LIMIT}}


def quota_faults(app: str, usage: Usage, override: Amounts) -> Iterator[Fault]:
    """The entries of `<app>.quota` that can't hold the app and one rolling update of it, or of which that isn't known.

    A quota is asked only when a pod starts: what doesn't fit would fail at the next restart, long after the deployment.
    """
    least = needed(usage) | ({} if usage.reaches_out else dict.fromkeys(CLOSED, Decimal(0)))
    for name, text in override.items():
        if name not in least:
            why = "what the app takes of it isn't counted, so nothing tells whether that holds it"
            if name == "limits.memory":
                why = "a container of the app has no limit of memory, and such a quota refuses its pod"
            yield Fault(f"{app}.quota.{name}", f"found {text}, but {why}; allowed: {', '.join(sorted(least))}")
        elif amount(text) < least[name]:
            yield Fault(
                f"{app}.quota.{name}",
                f"found {text}, less than the app takes with one rolling update; allowed: {written(least[name])} or "
                "more. Raise it, drop it, or let the app ask for less",
            )


def _all_limited(pods: Iterable[Pods]) -> bool:
    return all("memory" in each.limits for each in pods)


def _texts(amounts: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in amounts.items() if text is not None}
