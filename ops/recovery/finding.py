"""Everything that was left behind of a stack, and what is to be done about each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from kubernetes import client

from ops.diagnosis.reading import REQUEST_TIMEOUT, UnreachableError, connect
from ops.preflight_checks.names import OWNER
from ops.recovery.checkpoint import broken_state
from ops.recovery.locks import Holder, Lock, locks_of
from ops.recovery.notes import broken_notes, told
from ops.recovery.place import Place
from ops.recovery.processes import Orphan, orphans_of
from ops.recovery.records import ReleaseName, read_records, records_of
from ops.recovery.releases import Helm, Mending, MendingError, plan
from ops.recovery.state import Engine, Operation, State


@dataclass(frozen=True)
class Trace:
    """One thing that was left behind, for people."""

    kind: str
    """`lock`, `process`, `release`, `state` or `note`."""
    found: str
    step: str
    """What `recover` does about it, or why it doesn't."""


@dataclass(frozen=True)
class Found:
    """What was left behind."""

    locks: Sequence[Lock] | None = ()
    """None where the backend can't be looked into."""
    orphans: Sequence[Orphan] = ()
    mendings: Sequence[Mending] = ()
    operations: Sequence[Operation] = ()
    urns: dict[ReleaseName, str] = field(default_factory=dict)
    """What the engine calls the releases that it knows."""
    older: bool = False
    """Whether the state is an older copy, which was just put in the place of a broken one."""

    def held(self, *, break_lock: bool) -> list[Lock]:
        """Locks that must not be taken off."""
        kept = {Holder.ALIVE} if break_lock else {Holder.ALIVE, Holder.UNKNOWN}
        return [lock for lock in self.locks or () if lock.holder in kept]

    def traces(self, *, break_lock: bool) -> list[Trace]:
        """All of it, in the order in which it is mended."""
        unseen = Trace("lock", "locks of this backend can't be seen from here", "pulumi cancel")
        return [
            *(
                Trace("process", f"{item.name}, process {item.pid}: its engine is gone", _end(item))
                for item in self.orphans
            ),
            *(Trace("lock", lock.text, _unlock(lock, break_lock)) for lock in self.locks or ()),
            *([unseen] if self.locks is None and break_lock else []),
            *(
                Trace("release", f"{item.records.release.name}: helm's {item.records.told()}", item.text)
                for item in self.mendings
            ),
            *(
                Trace(
                    "state", f"{item.what} {item.name} was begun and not ended", "strike it, or note that it is there"
                )
                for item in self.operations
            ),
        ]


def glance(place: Place, releases: Iterable[ReleaseName]) -> list[Trace]:
    """What keeps an `up` from being right, by one request a release: nothing is mended, and helm is not called.

    Of locks only those whose process is gone: of one that is held the engine tells, and waits or stops by itself.
    Raises UnreachableError where the cluster does not tell.
    """
    if notes := broken_notes(place):
        return [Trace("note", told(notes), "")]
    if broken := broken_state(place):
        return [Trace("state", broken.text, "")]
    locks = locks_of(place) or ()
    if any(lock.holder is Holder.ALIVE for lock in locks):
        return []
    stale = [lock for lock in locks if lock.holder is Holder.GONE]
    records = [item for item in read_records(place.context, place.kubeconfig, releases) if item.is_under_way]
    return [
        *(Trace("lock", lock.text, "") for lock in stale),
        *(Trace("release", f"{item.release.name}: helm's {item.told()}", "") for item in records),
    ]


def look(place: Place, releases: Iterable[ReleaseName], *, older: bool = False) -> Found:
    """Everything that was left behind; nothing is changed. `older` as in Found.

    Raises UnreachableError where the cluster does not tell, MendingError where the engine or helm does not.
    """
    state = Engine(place).export()
    with connect(place.context, place.kubeconfig) as api:
        return Found(
            locks=locks_of(place),
            orphans=orphans_of(place),
            mendings=plans(api, place, state, releases, older=older),
            operations=state.operations,
            urns=state.releases,
            older=older,
        )


def plans(
    api: client.ApiClient, place: Place, state: State, releases: Iterable[ReleaseName], *, older: bool
) -> list[Mending]:
    """How to mend each release that is half done: those of the settings, and those that the engine knows."""
    every = dict.fromkeys([*releases, *state.releases])
    known = [
        replace(
            records_of(api, item),
            known=state.known_revision(item, older=older),
            unnoted=older and item not in state.releases,
        )
        for item in every
    ]
    half_done = [item for item in known if item.is_half_done]
    if not half_done:
        return []
    helm = Helm.find(place.context, place.kubeconfig)
    return [plan(api, helm, item) for item in half_done]


def holds_secrets(place: Place, releases: Iterable[ReleaseName]) -> bool:
    """Whether the cluster holds Secrets of this stack; raises UnreachableError where it does not tell."""
    owner = ",".join(f"{key}={value}" for key, value in zip(OWNER, (place.project, place.stack), strict=True))
    with connect(place.context, place.kubeconfig) as api:
        core = client.CoreV1Api(api)
        try:
            return any(
                core.list_namespaced_secret(
                    item.namespace, label_selector=owner, _request_timeout=REQUEST_TIMEOUT
                ).items
                for item in releases
            )
        except client.ApiException as error:
            raise UnreachableError(f"the Secrets of the stack can't be listed: {error.reason}") from error


def _end(orphan: Orphan) -> str:
    if orphan.proven:
        return "end it"
    return f"left alone: of which stack it is can't be told. If it is this one's: kill {orphan.pid}"


def _unlock(lock: Lock, break_lock: bool) -> str:
    if lock.holder is Holder.GONE or (break_lock and lock.holder is Holder.UNKNOWN):
        return "pulumi cancel"
    if lock.holder is Holder.ALIVE:
        return "left alone: wait until it has ended, or end it"
    return "left alone, but with --break-lock: only if you know that nobody is at work there"


__all__ = ["Found", "MendingError", "Trace", "glance", "look", "plans"]
