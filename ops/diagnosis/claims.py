"""Volume claims that are not bound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.objects import Event, Object, Snapshot, annotation, name, named_after, uid
from ops.diagnosis.scheduling import UNBOUND
from ops.diagnosis.words import in_setting, shortened

KEEP = "helm.sh/resource-policy"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
WAITING = ("WaitForFirstConsumer", "WaitForPodScheduled")
"""Reasons of events of a claim that is bound only when its pod has a node: then the pod says why."""
FAILED = ("ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ClaimLost", "ClaimMisbound")


def claim_causes(snapshot: Snapshot, events: Sequence[Event]) -> Iterator[Cause]:
    """Why each of the release's claims is not bound; `events`, those of the last try, tell of claims that are gone."""
    claims = [item for item in snapshot.all("persistentvolumeclaims") if named_after(snapshot.release, name(item))]
    for claim in claims:
        # What happened to an earlier claim of this name says nothing of this one.
        if cause := _of_claim(snapshot, claim, [event for event in snapshot.events if event.uid == uid(claim)]):
            yield cause
    there = {name(claim) for claim in claims}
    # A claim that somebody has deleted since is no reason any more: a pod of this try must have waited for it.
    if not any(UNBOUND in event.message for event in events):
        return
    for event in events:
        if event.kind == "PersistentVolumeClaim" and event.name not in there and event.reason in FAILED:
            yield Cause(Rank.CLAIM, f"claim {event.name}", shortened(event.message), (), _cure(snapshot, event.message))


def _of_claim(snapshot: Snapshot, claim: Object, events: Sequence[Event]) -> Cause | None:
    phase = claim.get("status", {}).get("phase")
    subject = f"claim {name(claim)}"
    if phase == "Lost":
        return Cause(Rank.CLAIM, subject, f'its volume "{claim["spec"].get("volumeName")}" is gone, and what it held')
    if phase == "Bound":
        return None
    # Events know no parts of a second: of several in one, the API server names the newest last.
    latest = max(reversed(events), key=lambda event: event.seen, default=None)
    if latest and latest.reason in WAITING:
        return None
    said = latest.message if latest else ""
    text, details = _why(snapshot, claim, said)
    return Cause(Rank.CLAIM, subject, text, details, _cure(snapshot, text) + _leftover(snapshot, claim, text))


def _why(snapshot: Snapshot, claim: Object, said: str) -> tuple[str, tuple[str, ...]]:
    class_ = claim["spec"].get("storageClassName")
    classes = snapshot.resources.get("storageclasses")
    if class_ and (f'"{class_}" not found' in said or (classes is not None and class_ not in map(name, classes))):
        return f'there is no StorageClass "{class_}"', _there(snapshot)
    if not class_ and "no storage class is set" in said:
        return "it names no StorageClass, and the cluster has no default one", _there(snapshot)
    return f"not bound: {shortened(said)}" if said else "not bound, and no event says why", ()


def _there(snapshot: Snapshot) -> tuple[str, ...]:
    classes = snapshot.resources.get("storageclasses")
    if classes is None:
        return ()
    words = [f"{name(item)} (default)" if annotation(item, DEFAULT_CLASS) == "true" else name(item) for item in classes]
    return (f"StorageClasses of the cluster: {', '.join(words) or 'none'}",)


def _cure(snapshot: Snapshot, said: str) -> str:
    if re.search("no StorageClass|storageclass.*not found|names no StorageClass", said, re.IGNORECASE):
        return f"name a StorageClass that is there{in_setting(snapshot.release, 'storage.class')}, or make this one"
    return ""


def _leftover(snapshot: Snapshot, claim: Object, text: str) -> str:
    """A claim can't change its class, and one that helm leaves behind is in the way of the next try."""
    stays = annotation(claim, KEEP) == "keep" or not snapshot.revisions
    if not stays or "no StorageClass" not in text:
        return ""
    delete = f"kubectl -n {snapshot.namespace} delete pvc {name(claim)}"
    return f"; a claim can't change its class: for another one delete it first, it holds nothing yet ({delete})"
