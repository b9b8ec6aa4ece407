"""What the API server knows of one release, as it sends it: JSON objects, and events in a form to reason about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Object = Mapping[str, Any]

WORKLOADS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
"""Resource → kind of what makes pods and is not itself made by something else."""
RELEASE_ANNOTATION = "meta.helm.sh/release-name"
COMBINED = "(combined from similar events): "


@dataclass(frozen=True)
class Event:
    """One event; `kind`, `name` and `uid` are those of the object that it is about, which may be gone."""

    kind: str
    name: str
    uid: str
    reason: str
    message: str
    seen: datetime
    """When it was seen last."""
    warning: bool
    container: str = ""
    """Which container of a pod it is about, where it is about one."""


@dataclass(frozen=True)
class Revision:
    """One of helm's records of a release."""

    number: int
    status: str
    """`deployed`, `failed`, `superseded`, `pending-install`, `pending-upgrade`, `pending-rollback`, `uninstalling`."""
    deployed: datetime | None = None
    """When helm began with it."""
    description: str = ""
    """Helm's last word on it, the error of a failed one."""
    pod_specs: Mapping[str, Object] = field(default_factory=dict)
    """Name of a workload → spec of its pods, from the manifest."""


@dataclass(frozen=True)
class Snapshot:
    """One namespace at one moment, and what the cluster offers to it."""

    release: str
    namespace: str
    now: datetime
    namespace_found: bool = True
    resources: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    """Objects by resource, such as `pods`; a resource that may not be read is absent."""
    events: Sequence[Event] = ()
    revisions: Sequence[Revision] = ()
    """Oldest first."""
    expected: Mapping[str, Object] = field(default_factory=dict)
    """Name of a workload → spec of its pods, as far as the values of the release tell."""
    nodes: Sequence[Object] = ()
    used: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    """Node → the pods on it."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Resource that could not be read → why."""
    forbidden: Sequence[str] = ()
    """Resources of the release that the kubeconfig's user may not create; asked only where nothing else is known."""

    def all(self, resource: str) -> Sequence[Object]:
        """The objects of a resource in the namespace."""
        return self.resources.get(resource, ())

    def own(self, resource: str) -> list[Object]:
        """Those objects of a resource that the release made itself."""
        return [item for item in self.all(resource) if annotation(item, RELEASE_ANNOTATION) == self.release]

    @property
    def knows_records(self) -> bool:
        """Whether helm's records could be read: without them, no revision may mean anything."""
        return "secrets" in self.resources

    def pod_spec(self, workload: str) -> Object | None:
        """What the pods of a workload that is gone were to be: from the failed revision, else from the values."""
        # The one before the latest is the failed one, if helm went back since.
        failed = self.revisions[-2].pod_specs if len(self.revisions) > 1 else {}
        return failed.get(workload) or self.expected.get(workload)

    def workloads(self) -> Iterator[tuple[str, Object]]:
        """Kind and object of every workload of the release."""
        for resource, kind in WORKLOADS.items():
            yield from ((kind, item) for item in self.own(resource))

    def pods(self) -> list[tuple[str, Object]]:
        """Every pod of the release that is to stay, and its workload in words, such as `Deployment ollama`."""
        owners = {uid(item): f"{kind} {name(item)}" for kind, item in self.workloads()}
        for replica_set in self.all("replicasets"):
            for owner in _owners(replica_set):
                if owner["uid"] in owners:
                    owners[uid(replica_set)] = owners[owner["uid"]]
        return [
            (owners[owner["uid"]], pod)
            for pod in self.all("pods")
            for owner in _owners(pod)
            if owner["uid"] in owners and not pod["metadata"].get("deletionTimestamp")
        ]

    def concerns(self, event: Event) -> bool:
        """Whether an event is about something of the release, by its name: the object may be gone."""
        return named_after(self.release, event.name)


def named_after(release: str, name: str) -> bool:
    """Whether an object's name says that it is the release's: `ollama-0`, or `datadir-librechat-mongodb-0`."""
    return f"-{release}-" in f"-{name}-"


def name(item: Object) -> str:
    """The object's name."""
    return str(item["metadata"]["name"])


def uid(item: Object) -> str:
    """The object's UID."""
    return str(item["metadata"].get("uid", ""))


def annotation(item: Object, key: str) -> str | None:
    """One of the object's annotations."""
    return (item["metadata"].get("annotations") or {}).get(key)


def condition(item: Object, type_: str) -> Object:
    """One of the object's conditions; empty where it has none of that type."""
    conditions = item.get("status", {}).get("conditions") or []
    return next((found for found in conditions if found["type"] == type_), {})


def is_ready(pod: Object) -> bool:
    """Whether the pod serves, or was to end and did."""
    return condition(pod, "Ready").get("status") == "True" or pod.get("status", {}).get("phase") == "Succeeded"


def is_complete(workload: Object) -> bool:
    """Whether every pod that the workload (or ReplicaSet) wants is ready and of its latest template."""
    spec, status = workload["spec"], workload.get("status") or {}
    # A DaemonSet says in its status how many pods it wants.
    wanted = status.get("desiredNumberScheduled", spec.get("replicas", 1))
    ready = status.get("numberReady", status.get("readyReplicas", 0))
    updated = status.get("updatedNumberScheduled", status.get("updatedReplicas", ready))
    seen = status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
    return bool(seen and ready >= wanted and updated >= min(wanted, ready))


def moment(text: str | None) -> datetime | None:
    """A time as the API server or helm writes it."""
    # Helm writes nanoseconds and, in a record that was never deployed, the year 1.
    if not text or text.startswith("0001"):
        return None
    return datetime.fromisoformat(text)


def ago(then: datetime, now: datetime) -> str:
    """How long ago something was, in words such as `12 s ago`."""
    seconds = max(0, round((now - then).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def to_event(item: Object) -> Event:
    """An event of the core API, whichever of its times the component that wrote it has filled in."""
    about = item["involvedObject"]
    times = (
        (item.get("series") or {}).get("lastObservedTime"),
        item.get("lastTimestamp"),
        item.get("eventTime"),
        item["metadata"].get("creationTimestamp"),
    )
    seen = next(found for found in map(moment, times) if found)
    return Event(
        kind=about.get("kind", ""),
        name=about.get("name", ""),
        uid=about.get("uid", ""),
        reason=item.get("reason") or "",
        message=" ".join((item.get("message") or "").removeprefix(COMBINED).split()),
        seen=seen,
        warning=item.get("type") == "Warning",
        container=about.get("fieldPath", "").partition("{")[2].rstrip("}"),
    )


def _owners(item: Object) -> Sequence[Object]:
    return item["metadata"].get("ownerReferences") or ()
