"""What healing leaves to the engine: Secrets, whose values it alone knows, what was deleted, and its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ops.backend import Backend, BackendError, DeployedRelease, user
from ops.diagnosis.words import shortened
from ops.drift_reading.drifted import Drifted
from ops.drift_reading.healing import Healed

LONGEST_MESSAGE = 2000
"""Characters of what a stack's history says of a heal."""
GUARD = "$pulumi-python:dynamic:ReleaseGuard::"
"""What stands in the URN of a release's guard."""


def heal_by_engine(backend: Backend, items: Sequence[Drifted], say: Callable[[str], None]) -> Healed:
    """What came of running the program for these objects alone; `say` gets each line that the engine prints.

    The stack's history tells of it as of any other `up`.
    """
    drifts = [drift for item in items for drift in item.for_engine]
    names = ", ".join(dict.fromkeys(drift.object for drift in drifts))
    try:
        known = backend.objects()
        # Of an object that is in no namespace, the drift names that of its release.
        places = dict.fromkeys((drift.namespace, drift.object) for drift in drifts)
        urns = {place: known.get(place) or known.get(("", place[1])) for place in places}
        if missing := [name for (_, name), urn in urns.items() if urn is None]:
            return Healed(failed=[f"{name}: it is not in the stack's state: pulumi up" for name in missing])
        message = f"heal of {names}, asked for by {user()}"
        backend.up([urn for urn in urns.values() if urn], message, say, {}, refresh=True)
    except BackendError as error:
        return Healed(failed=[f"{names}: the engine could not put it back, as pulumi up --refresh does: {error}"])
    return Healed(healed=drifts)


def note_in_history(backend: Backend, healed: Mapping[str, Healed]) -> None:
    """Let the stack's history say what was healed, by release: the engine looks at the guards, and finds them clean.

    Where a release has no guard it looks at the release; so too where something could not be healed: a guard that saw
    that would let the next `pulumi up` try it again, and fail. Raises BackendError.
    """
    releases = [item for item in backend.releases() if item.name in healed and healed[item.name].lines]
    urns = [_seen_for(item, clean=not healed[item.name].failed) for item in releases]
    lines = [line for item in releases for line in healed[item.name].lines]
    if urns:
        message = shortened(f"heal, asked for by {user()}: {'; '.join(lines)}", LONGEST_MESSAGE)
        backend.refresh(urns, message)


def _seen_for(release: DeployedRelease, *, clean: bool) -> str:
    guards = (urn for urn in release.below if GUARD in urn)
    return next(guards, release.urn) if clean else release.urn
