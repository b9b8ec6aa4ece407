"""Mends what was left behind, so that a plain `pulumi up` converges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from kubernetes import client

from ops.diagnosis.objects import Object
from ops.diagnosis.reading import connect
from ops.drift_reading.declared import ref_of
from ops.preflight_checks.names import OWNER
from ops.preflight_checks.reading import Api, Deadline, in_short, path_of, read_kinds, read_one
from ops.preflight_checks.view import Kind
from ops.recovery import processes
from ops.recovery.finding import Found, plans
from ops.recovery.locks import Holder
from ops.recovery.place import Place
from ops.recovery.records import WITHIN, ReleaseName, records_of
from ops.recovery.releases import Helm, MendingError, carry_out
from ops.recovery.state import Engine, IsThere, Resource, object_id
from ops.tokens import OBJECTS, RELEASE

Say = Callable[[str], None]


def mend(place: Place, found: Found, releases: Iterable[ReleaseName], *, break_lock: bool, say: Say) -> None:
    """Mend all that was found; `say` is told each step. No claim and no key is deleted.

    What processes were still at work on is looked at again when they have ended. Raises MendingError or
    UnreachableError where something can't be mended: what was mended before stays so, and it can be run again.
    """
    engine = Engine(place)
    if ending := [item for item in found.orphans if item.proven]:
        say(f"ending {', '.join(f'{item.name} ({item.pid})' for item in ending)}")
        try:
            processes.end(ending, place)
        except OSError as error:
            raise MendingError(f"a process can't be ended: {error}") from error
    if break_lock or any(lock.holder is Holder.GONE for lock in found.locks or ()):
        say("pulumi cancel")
        engine.unlock()
    with connect(place.context, place.kubeconfig) as api:
        state = engine.export()
        mended: list[str] = []
        for mending in plans(api, place, state, releases, older=found.older):
            say(mending.text)
            carry_out(api, Helm.find(place.context, place.kubeconfig), mending)
            mended.append(state.releases.get(mending.records.release, ""))
        settled, added = state.settled(_live(api, place))
    if state.operations:
        say(f"state: {len(state.operations)} pending struck, {len(added)} noted as there")
        engine.replace(settled)
    # Of what was begun, the engine's own notes may be older than what is there.
    begun = [str(item.resource["urn"]) for item in state.operations]
    if again := [urn for urn in dict.fromkeys([*added, *mended, *begun]) if urn in settled.urns]:
        say("pulumi refresh of what was mended")
        engine.refresh(again)


def _live(api: client.ApiClient, place: Place) -> IsThere:
    @cache
    def kinds() -> Mapping[tuple[str, str], Kind]:
        return read_kinds(Api(api, Deadline.after(WITHIN)))

    def is_there(resource: Resource) -> bool:
        type_, inputs = str(resource["type"]), resource["inputs"]
        if type_ == RELEASE:
            latest = records_of(api, ReleaseName(inputs["name"], inputs["namespace"])).latest
            return latest is not None and latest.status == "deployed"
        if not type_.startswith(OBJECTS):
            return False  # Made by the engine alone, such as a key: nothing of it can be anywhere else.
        try:
            # By its kind and not by a list of ours: whatever the program makes can be what was begun.
            ref = ref_of(inputs, "", kinds())
            if ref is None:
                return False
            found = read_one(Api(api, Deadline.after(WITHIN)), path_of(ref, kinds()[ref.api_version, ref.kind]))
        except client.ApiException as error:
            raise MendingError(f"{type_} {object_id(resource)} can't be read: {in_short(error)}") from error
        return found is not None and _is_ours(found, place)

    return is_there


def _is_ours(found: Object, place: Place) -> bool:
    """Whether the labels say that an object is this stack's."""
    labels = found["metadata"].get("labels") or {}
    return tuple(labels.get(key) for key in OWNER) == (place.project, place.stack)
