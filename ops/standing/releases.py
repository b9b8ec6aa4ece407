"""How the releases of a stack stand on the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernetes import client

from ops.diagnosis.judging import State, judge
from ops.diagnosis.objects import Object, Snapshot, is_ready, name
from ops.diagnosis.reading import read
from ops.helm_records import Record, current, records_in


@dataclass(frozen=True)
class Claim:
    """One volume claim in a release's namespace."""

    name: str
    phase: str
    size: str


@dataclass(frozen=True)
class Standing:
    """How one release stands."""

    release: str
    namespace: str
    state: State
    headline: str
    revision: Record | None
    """The one that runs; None where helm has no record, or nobody may read it."""
    ready: int
    """Pods that are ready, of those in `pods`."""
    pods: int
    claims: tuple[Claim, ...]
    unreadable: tuple[str, ...] = ()
    """What could not be read, with the reason."""
    serving: str = ""
    """A pod that runs; empty where none does."""


def standing(api: client.ApiClient, namespace: str, release: str) -> Standing:
    """How the release stands now; raises UnreachableError where the cluster doesn't answer."""
    return of_snapshot(read(api, namespace, release, {}))


def of_snapshot(snapshot: Snapshot) -> Standing:
    """How a release stands that was read."""
    diagnosis = judge(snapshot)
    pods = [pod for _, pod in snapshot.pods()]
    wanted = sum(_wanted(workload) for _, workload in snapshot.workloads())
    return Standing(
        release=snapshot.release,
        namespace=snapshot.namespace,
        state=diagnosis.state,
        headline=diagnosis.headline,
        revision=current(records_in(snapshot.release, snapshot.all("secrets"))),
        ready=sum(map(is_ready, pods)),
        pods=max(wanted, len(pods)),
        # All of the namespace, which is the release's own: a StatefulSet's claims carry no mark of the release.
        claims=tuple(map(_claim, snapshot.all("persistentvolumeclaims"))),
        unreadable=tuple(f"{resource} ({why})" for resource, why in sorted(snapshot.unreadable.items())),
        serving=_serving(pods),
    )


def _wanted(workload: Object) -> int:
    return int((workload.get("status") or {}).get("desiredNumberScheduled", workload["spec"].get("replicas", 1)))


def _claim(item: Object) -> Claim:
    asked = item["spec"]["resources"]["requests"]["storage"]
    status = item.get("status") or {}
    return Claim(name(item), str(status.get("phase", "")), str((status.get("capacity") or {}).get("storage", asked)))


def _serving(pods: Sequence[Object]) -> str:
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    # While models are pulled the pod is not ready, but Ollama answers already.
    return next((name(pod) for pod in sorted(running, key=is_ready, reverse=True)), "")
