"""What the engine calls for a ReleaseGuard. It runs in a process of its own, which each preview starts.

It imports nothing of the program: importing pulumi_kubernetes there would cost a preview half a second (2026-11).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

if TYPE_CHECKING:
    from ops.drift_reading.drifted import Report
    from ops.drift_reading.entries import Excepted
    from ops.drift_reading.healing import Healed
    from ops.preflight_checks.reading import Api

DRIFT = "drift"
HEALED = "healed"
RECORDED = 5
"""Lines of the last heal that stay in the state."""


class DriftError(Exception):
    """The release could not be compared or healed; the message says why."""


class ReleaseGuardProvider(ResourceProvider):
    """What the engine calls. The state refers to it by name only: it is imported from the project's folder."""

    serialize_as_secret_always = False

    def configure(self, _req: ConfigureRequest) -> None:
        """Called once, first. The engine waits until this process has ended, which a last collection would delay."""
        gc.freeze()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """A release that was just made hasn't drifted."""
        return CreateResult(f"{props['namespace']}/{props['release']}", {**props, HEALED: []})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What differs now, or nothing where there is no such release; raises DriftError where that can't be told."""
        inputs = _inputs(props)
        with _cluster(inputs) as (api, exceptions):
            found = _read(api, inputs, exceptions)
        if not found.installed:
            # The engine makes the release anew, and its guard with it. An error would end the refresh that finds out.
            return ReadResult("", {})
        _demand(found)
        inputs[DRIFT] = [item.line() for item in found.drift]
        # As inputs too, so that a preview shows what is to be undone, line by line.
        return ReadResult(id_, {**inputs, HEALED: props.get(HEALED) or []}, inputs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """A change where the last read found drift, or the release is to be looked at otherwise."""
        return DiffResult(changes=_inputs(olds) != _inputs(news))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Undoes all drift that there is now; raises DriftError where some of it is left."""
        from ops.drift_reading.healing import heal

        inputs = _inputs(news)
        with _cluster(inputs) as (api, exceptions):
            report = _read(api, inputs, exceptions)
            _demand(report)
            done = heal(api, report, exceptions)
        if done.failed:
            raise DriftError(f"release {inputs['release']}: could not heal {'; '.join(done.failed)}")
        after = done.after or report
        # What somebody created by hand is left alone, and stays to be seen.
        inputs[DRIFT] = [item.line() for item in after.drift]
        return UpdateResult({**inputs, HEALED: _recorded(done) or olds.get(HEALED) or []})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """There is nothing to delete: the release goes by itself."""


def _inputs(props: Mapping[str, Any]) -> dict[str, Any]:
    names = ("release", "namespace", "context", "except", DRIFT)
    return {name: props.get(name) for name in names}


def _recorded(done: Healed) -> list[str]:
    lines = done.lines
    return [*lines[:RECORDED], *([f"and {len(lines) - RECORDED} more"] if len(lines) > RECORDED else [])]


@contextmanager
def _cluster(inputs: Mapping[str, Any]) -> Iterator[tuple[Api, list[Excepted]]]:
    """The cluster, and what is excepted."""
    # Imported here: the Kubernetes client takes 0.4 s, which no preview waits for.
    from ops.diagnosis.reading import UnreachableError, connect
    from ops.drift_reading.entries import Excepted
    from ops.drift_reading.reading import WITHIN
    from ops.preflight_checks.reading import Api, Deadline

    exceptions = [Excepted(item["object"], item["field"], item["reason"]) for item in inputs["except"] or ()]
    try:
        with connect(str(inputs["context"])) as client:
            yield Api(client, Deadline.after(WITHIN)), exceptions
    except UnreachableError as error:
        raise DriftError(f"release {inputs['release']}: could not tell drift: {error}") from None


def _read(api: Api, inputs: Mapping[str, Any], exceptions: list[Excepted]) -> Report:
    from ops.drift_reading.reading import read_release

    return read_release(api, inputs["release"], inputs["namespace"], exceptions)


def _demand(found: Report) -> None:
    """Raises DriftError where something that the release declares could not be told."""
    if found.unknown:
        raise DriftError(f"release {found.release}: could not tell drift: {'; '.join(found.unknown)}")
