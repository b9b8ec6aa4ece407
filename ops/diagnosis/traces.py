"""What the events still say of pods that are gone: helm took the release back, or replaced them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.containers import MOUNT, hook_failed, image, probe, volume
from ops.diagnosis.objects import Event, Object, Snapshot, ago, is_complete, moment, name, named_after, uid
from ops.diagnosis.refusals import refusal
from ops.diagnosis.scheduling import unschedulable
from ops.diagnosis.words import in_setting, shortened

RESOLVED_BY = {
    "FailedScheduling": {"Scheduled"},
    "FailedCreate": {"SuccessfulCreate"},
    "Failed": {"Pulled", "Started"},
    "BackOff": {"Pulled"},
    "FailedMount": {"Pulling", "Pulled", "Started"},
    "FailedAttachVolume": {"SuccessfulAttachVolume", "Started"},
    "FailedCreatePodSandBox": {"Pulling", "Pulled", "Started"},
}
"""Reason of a warning → reasons of later events of the same object that say that it is over."""
SCALED_UP = re.compile(r"Scaled up replica set (?P<replica_set>\S+)")
CREATED_POD = re.compile(r"Created pod: (?P<pod>\S+)|create Pod (?P<set_pod>\S+) in StatefulSet \S+ successful", re.I)
PROBES_APART = timedelta(seconds=60)
"""More than the time between two probes: the charts' are 5 to 20 s apart."""
SLACK = timedelta(seconds=3)
"""Events have a resolution of a second, and helm makes a claim before the workload that needs it."""


def start_of_last_try(snapshot: Snapshot) -> datetime | None:
    """When the latest install began that the events know of; None where they know of none."""
    begun = [
        event.seen
        for event in snapshot.events
        if event.kind == "Deployment" and snapshot.concerns(event) and SCALED_UP.match(event.message)
    ]
    return max(begun) - SLACK if begun else None


def trace_causes(snapshot: Snapshot, events: Sequence[Event]) -> Iterator[Cause]:
    """Causes in the events of what is gone; `events` are those of the release, of the try in question."""
    subjects = subjects_of(snapshot.events)
    settled = _settled(snapshot)
    for event in _unresolved(events):
        if event.uid in settled:
            continue
        subject = subjects.get(event.name, f"{event.kind} {event.name}" if event.kind != "Pod" else f"pod {event.name}")
        workload = subject.partition(",")[0].partition(" ")[2]
        if cause := _from_event(snapshot, subject, event, snapshot.pod_spec(workload)):
            yield cause


def still_starting(snapshot: Snapshot, events: Sequence[Event]) -> Iterator[Cause]:
    """Pods that are gone and had nothing worse to report than that they had begun."""
    there = {uid(pod) for _, pod in snapshot.pods()}
    subjects = subjects_of(snapshot.events)
    latest: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: event.seen):
        if event.kind == "Pod" and event.uid not in there and event.reason in ("Pulling", "Started"):
            latest[event.uid] = event
    if not latest:
        return
    # Which of them was ready, no event tells.
    details = [
        f"{subjects.get(event.name, f'pod {event.name}')}: "
        f"{'its image was still being pulled' if event.reason == 'Pulling' else 'its container had started'} "
        f"{ago(event.seen, snapshot.now)}"
        for event in latest.values()
    ]
    cure = f"give it longer{in_setting(snapshot.release, 'chart.timeout')}"
    if in_setting(snapshot.release, "models"):
        cure = f"it pulls the models one after another before it is ready: {cure}"
    text = "time was up before everything was ready, and no event tells of a failure"
    yield Cause(Rank.SLOW, f"release {snapshot.release}", text, tuple(details), cure)


def ending_pods(snapshot: Snapshot, start: datetime | None) -> Iterator[tuple[str, Object]]:
    """Pods of the last try that are on their way out, which may take minutes, and their workload in words."""
    staying = {uid(pod) for _, pod in snapshot.pods()}
    subjects = subjects_of(snapshot.events)
    for pod in snapshot.all("pods"):
        created = moment(pod["metadata"].get("creationTimestamp"))
        of_this_try = start is None or created is None or created >= start
        if uid(pod) not in staying and of_this_try and named_after(snapshot.release, name(pod)):
            yield subjects.get(name(pod), f"release {snapshot.release}").partition(",")[0], pod


def subjects_of(events: Sequence[Event]) -> dict[str, str]:
    """Name of a ReplicaSet or pod → the words for it from its workload down, as far as the events know."""
    subjects: dict[str, str] = {}
    for event in events:
        if event.kind == "Deployment" and (found := SCALED_UP.match(event.message)):
            subjects[found["replica_set"]] = f"Deployment {event.name}"
    for event in events:
        if event.reason == "SuccessfulCreate" and (found := CREATED_POD.search(event.message)):
            pod = found["pod"] or found["set_pod"]
            workload = subjects.get(event.name, f"{event.kind} {event.name}")
            subjects[pod] = f"{workload}, pod {pod}"
    return subjects


def _from_event(snapshot: Snapshot, subject: str, event: Event, pod_spec: Object | None) -> Cause | None:
    message = event.message
    if event.reason == "FailedScheduling":
        return unschedulable(snapshot, subject, message, pod_spec)
    if event.reason == "FailedCreate":
        why = message.removeprefix("Error creating: ")
        return refusal(snapshot, subject, message) or Cause(Rank.REFUSED, subject, f"no pod is made: {shortened(why)}")
    if event.reason in MOUNT:
        return volume(subject, message)
    if event.reason in ("Failed", "BackOff", "InspectFailed"):
        return _container_trouble(subject, message)
    if event.reason == "FailedPostStartHook":
        return hook_failed(snapshot, subject, event.container, message)
    if event.reason == "Unhealthy":
        return probe(subject, event.container, [event])
    if event.reason in ("Evicted", "Preempted", "TaintManagerEviction"):
        return Cause(Rank.EVICTED, subject, f"{event.reason}: {shortened(message)}")
    return None


def _container_trouble(subject: str, message: str) -> Cause | None:
    if message.startswith(("Failed to pull image", "Back-off pulling image", "Failed to apply default image tag")):
        return image(subject, message)
    if message.startswith("Back-off restarting failed container"):
        text = "its container kept ending; exit code and log went with the pod"
        return Cause(Rank.CRASH, subject, text)
    error = message.removeprefix("Error: ")
    # Those say once more that an image can't be pulled.
    if error in ("ErrImagePull", "ImagePullBackOff"):
        return None
    return Cause(Rank.START, subject, f"its container can't start: {shortened(error)}")


def _unresolved(events: Sequence[Event]) -> list[Event]:
    """The latest warning of each kind about each object, but those that a later event says are over."""
    latest: dict[tuple[str, str, str], Event] = {}
    # Within one second, the resolution of most events, a warning counts as the later one.
    for event in sorted(events, key=lambda event: (event.seen, event.warning)):
        if event.warning:
            kind = event.message.partition('"')[0] if event.reason in ("Failed", "BackOff") else ""
            latest[event.uid, event.reason, kind] = event
            continue
        for key in [key for key in latest if key[0] == event.uid and event.reason in RESOLVED_BY.get(key[1], ())]:
            del latest[key]
    return [event for event in latest.values() if event.reason != "Unhealthy" or _to_the_end(event, events)]


def _to_the_end(probe_failed: Event, events: Sequence[Event]) -> bool:
    """Whether a probe failed until the pod was ended: no event says that a pod has become ready after all."""
    ended = [event.seen for event in events if event.uid == probe_failed.uid and event.reason == "Killing"]
    return not ended or min(ended) - PROBES_APART <= probe_failed.seen <= min(ended)


def _settled(snapshot: Snapshot) -> set[str]:
    """UIDs of what needs no explanation by events: pods that are there speak for themselves, and what is complete."""
    complete = {uid(item) for _, item in snapshot.workloads() if is_complete(item)}
    replica_sets = {
        uid(item) for item in snapshot.all("replicasets") if item["spec"].get("replicas") and is_complete(item)
    }
    return {uid(pod) for _, pod in snapshot.pods()} | complete | replica_sets
