"""From what a cluster holds of a release to the reasons why it is not ready: pure, no request is made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ops.diagnosis.causes import Cause, Rank, by_rank
from ops.diagnosis.claims import claim_causes
from ops.diagnosis.containers import pod_causes
from ops.diagnosis.helm import foreign_objects, helm_causes, no_rights, stuck
from ops.diagnosis.history import is_rollback, rolled_back
from ops.diagnosis.objects import Event, Revision, Snapshot, ago, condition, is_complete, name
from ops.diagnosis.scheduling import quota_lines
from ops.diagnosis.traces import ending_pods, start_of_last_try, still_starting, trace_causes
from ops.diagnosis.words import shortened

CLOCKS = timedelta(seconds=10)
"""How far the clock of who runs helm may go before that of the cluster."""


class State(Enum):
    """How a release stands."""

    READY = "ready"
    NOT_READY = "not ready"
    ROLLED_BACK = "rolled back"
    PENDING = "pending"
    FAILED = "failed"
    NOT_INSTALLED = "not installed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Diagnosis:
    """How a release stands, and why."""

    release: str
    namespace: str
    state: State
    headline: str
    causes: tuple[Cause, ...] = ()
    """Most specific first."""
    notes: tuple[str, ...] = ()
    """What could not be seen."""


def judge(snapshot: Snapshot, since: datetime | None = None, errors: Sequence[str] = ()) -> Diagnosis:
    """Why the release is not ready.

    `since` is when the operation in question began, where that is known, and `errors` what it failed with, newest
    first: then there is something to explain even where all is well again.
    """
    state = _state(snapshot)
    if state is State.READY and since is None and not errors:
        return Diagnosis(snapshot.release, snapshot.namespace, state, _headline(snapshot, state))
    start = since - CLOCKS if since else _start(snapshot, state)
    events = [event for event in snapshot.events if snapshot.concerns(event) and (start is None or event.seen >= start)]
    causes = by_rank(_without_consequences(list(_causes(snapshot, state, start, events, errors))))
    notes = list(_unreadable(snapshot))
    if not causes and (error := _last_error(snapshot, state, errors)):
        notes.append(f"helm said: {shortened(error, 600)}")
    if not causes and state in (State.ROLLED_BACK, State.NOT_INSTALLED) and snapshot.namespace_found:
        notes.append("no event tells why; a cluster keeps its events for an hour, unless it is told otherwise")
        notes += quota_lines(snapshot)
    return Diagnosis(
        snapshot.release, snapshot.namespace, state, _headline(snapshot, state), tuple(causes), tuple(notes)
    )


def _state(snapshot: Snapshot) -> State:
    workloads = list(snapshot.workloads())
    complete = all(is_complete(item) for _, item in workloads) and not list(_services(snapshot))
    if not snapshot.namespace_found:
        return State.NOT_INSTALLED
    if not snapshot.revisions:
        if not workloads:
            return State.NOT_INSTALLED if snapshot.knows_records else State.UNKNOWN
        return State.READY if complete else State.NOT_READY
    latest = snapshot.revisions[-1].status
    if latest != "deployed":
        return State.FAILED if latest == "failed" else State.PENDING
    if rolled_back(snapshot.revisions):
        return State.ROLLED_BACK
    return State.READY if complete else State.NOT_READY


def _start(snapshot: Snapshot, state: State) -> datetime | None:
    """When what is to be explained began."""
    if state is State.NOT_INSTALLED:
        return start_of_last_try(snapshot)
    if not snapshot.revisions:
        return None
    began = _failed(snapshot).deployed
    return began - CLOCKS if began else None


def _failed(snapshot: Snapshot) -> Revision:
    """The revision to be explained: the latest one, or the one that it was to take back."""
    went_back = len(snapshot.revisions) > 1 and is_rollback(snapshot.revisions[-1])
    return snapshot.revisions[-2 if went_back else -1]


def _causes(
    snapshot: Snapshot, state: State, start: datetime | None, events: list[Event], errors: Sequence[str]
) -> Iterator[Cause]:
    if error := _last_error(snapshot, state, errors):
        yield from helm_causes(snapshot, error)
    if state is State.NOT_INSTALLED:
        yield from foreign_objects(snapshot)
    yield from no_rights(snapshot)
    yield from claim_causes(snapshot, events)
    found = list(_pods(snapshot, state, start))
    # What a pod says itself is newer, and more, than what is left of it in events.
    told = {(cause.rank, cause.subject) for cause in found}
    found += [cause for cause in trace_causes(snapshot, events) if (cause.rank, cause.subject) not in told]
    yield from found
    yield from _services(snapshot)
    if not found and state is not State.READY:
        yield from still_starting(snapshot, events)
    yield from _rollouts(snapshot, {cause.subject.partition(",")[0] for cause in found})
    if state is State.PENDING:
        yield stuck(snapshot)


def _pods(snapshot: Snapshot, state: State, start: datetime | None) -> Iterator[Cause]:
    pods = snapshot.pods()
    if state is not State.NOT_READY:
        pods += ending_pods(snapshot, start)
    # A database that isn't there makes what needs it fail too: what bears the release's own name comes last.
    pods.sort(key=lambda found: found[0].endswith(f" {snapshot.release}"))
    for workload, pod in pods:
        yield from pod_causes(snapshot, workload, pod, snapshot.events)


def _last_error(snapshot: Snapshot, state: State, errors: Sequence[str]) -> str:
    if errors:
        return errors[0]
    return _failed(snapshot).description if state in (State.ROLLED_BACK, State.FAILED) else ""


def _without_consequences(causes: list[Cause]) -> list[Cause]:
    """A pod that waits for a claim is no cause beside that claim."""
    if not any(cause.rank is Rank.CLAIM for cause in causes):
        return causes
    waiting = [cause for cause in causes if cause.rank is Rank.NODE and "volume claim" in cause.text]
    return [cause for cause in causes if cause not in waiting]


def _services(snapshot: Snapshot) -> Iterator[Cause]:
    """Helm waits for the address of a Service of type LoadBalancer."""
    for service in snapshot.own("services"):
        given = (service.get("status", {}).get("loadBalancer") or {}).get("ingress")
        if service["spec"].get("type") == "LoadBalancer" and not given and not service["spec"].get("externalIPs"):
            text = "waits for an address: nothing in the cluster has given it one"
            cure = "install a load balancer controller, or make it a Service of type ClusterIP"
            yield Cause(Rank.SERVICE, f"Service {name(service)}", text, (), cure)


def _rollouts(snapshot: Snapshot, explained: set[str]) -> Iterator[Cause]:
    for kind, workload in snapshot.workloads():
        subject = f"{kind} {name(workload)}"
        if is_complete(workload) or subject in explained:
            continue
        conditions = [condition(workload, type_) for type_ in ("ReplicaFailure", "Progressing", "Available")]
        said = [found["message"] for found in conditions if found.get("message")]
        ready = workload.get("status", {}).get("readyReplicas", 0)
        text = f"{ready} of {workload['spec'].get('replicas', 1)} pods are ready"
        yield Cause(Rank.ROLLOUT, subject, text, tuple(shortened(message) for message in said[:1]))


def _unreadable(snapshot: Snapshot) -> Iterator[str]:
    """What could not be read, in one line for each reason."""
    for why in dict.fromkeys(snapshot.unreadable.values()):
        resources = sorted(resource for resource, reason in snapshot.unreadable.items() if reason == why)
        yield f"{', '.join(resources)} can't be read: {why}"


def _headline(snapshot: Snapshot, state: State) -> str:
    if state is State.NOT_INSTALLED:
        if not snapshot.namespace_found:
            return f"not deployed: there is no namespace {snapshot.namespace}"
        return "not installed; a first install that fails is taken back"
    if not snapshot.revisions:
        return {
            State.READY: "nothing wrong: everything that is there is ready (helm's records of it are not to be seen)",
            State.NOT_READY: "not everything is ready (helm's records of it are not to be seen)",
        }.get(state, "nothing of it is to be seen")
    latest, failed = snapshot.revisions[-1], _failed(snapshot)
    then = f" {ago(failed.deployed, snapshot.now)}" if failed.deployed else ""
    if state is State.ROLLED_BACK:
        return f"the upgrade to revision {failed.number}{then} failed and was rolled back; what was before it runs"
    if state is State.FAILED and failed is not latest:
        return f"the upgrade to revision {failed.number}{then} failed, and so did the rollback to what was before it"
    return {
        State.READY: f"nothing wrong: revision {latest.number} is deployed and everything is ready",
        State.PENDING: f"revision {latest.number} is {latest.status}, begun{then}",
        State.FAILED: f"revision {latest.number}, begun{then}, failed",
    }.get(state, f"revision {latest.number} is deployed, but not everything is ready")
