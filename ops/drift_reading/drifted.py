"""What is found of a release that isn't as declared, and the one update that both shows and mends it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from ops.diagnosis.objects import Object
from ops.drift_reading.comparing import Difference
from ops.drift_reading.entries import NOBODY, Drift, object_name
from ops.drift_reading.fields import MANAGER, Path, managers_of
from ops.drift_reading.target import keep, target_of
from ops.preflight_checks.reading import Api

ATTEMPTS, PAUSE = 10, 0.2  # seconds
REPLICAS: Path = ("f:spec", "f:replicas")


@dataclass(frozen=True)
class Drifted:
    """An object that isn't as declared, with all that is needed to mend it."""

    declared: Object
    path: str
    """Where the API server has it."""
    live: Object | None = None
    """None where it was deleted."""
    owner: str = ""
    """The engine's field manager, for an object that it applies itself; empty for one of a release."""
    autoscaled: bool = False
    """Whether a declared HorizontalPodAutoscaler sets its replicas."""
    fixed: str = ""
    """Why no update can mend it, and what does; empty where one can."""
    by_engine: bool = False
    """Whether only the engine knows its values."""
    found: Sequence[tuple[Drift, Difference | None]] = ()

    @property
    def to_heal(self) -> list[Drift]:
        """What is to be healed: all that isn't excepted."""
        return [drift for drift, _ in self.found if not drift.reason]

    @property
    def for_engine(self) -> list[Drift]:
        """What of that only the engine can heal: all but what somebody added."""
        found = self.found if self.by_engine else ()
        return [drift for drift, each in found if not drift.reason and drift.change != "added"]

    def target(self, live: Object) -> dict[str, Any]:
        """What an update would have to send, apart from what is excepted."""
        target = target_of(self.declared, live)
        keep(target, live, [REPLICAS] if self.autoscaled else [])
        keep(target, live, self._excepted)
        return target

    @property
    def to_apply(self) -> dict[str, Any]:
        """What is declared, with what is excepted as it is."""
        body = copy.deepcopy(dict(self.declared))
        keep(body, self.live or {}, self._excepted)
        return body

    @property
    def _excepted(self) -> list[Path]:
        return [path for drift, each in self.found if drift.reason and each for path in each.paths]


@dataclass(frozen=True)
class Report:
    """What there is to say of one release."""

    release: str
    namespace: str
    objects: int = 0
    """How many are declared."""
    drifted: Sequence[Drifted] = ()
    foreign: Sequence[tuple[Drift, str]] = ()
    """Objects created by hand, and where the API server has them."""
    pending: Drift | None = None
    """Set where helm is at work on it, or was when it was killed."""
    overtaken: Drift | None = None
    """Set where somebody deployed something else by helm's own command since the stack did."""
    unknown: Sequence[str] = ()
    """What of the declared objects could not be told, and why."""
    unlisted: Sequence[str] = ()
    """Kinds of which nobody can tell whether somebody made one by hand, and why."""
    installed: bool = True
    """Whether helm has any record of it."""
    record: Object | None = None
    """Helm's record of what is deployed."""

    @property
    def untold(self) -> list[str]:
        """All that could not be told."""
        return [*self.unknown, *self.unlisted]

    @property
    def all(self) -> list[Drift]:
        """All drift, that too which is excepted."""
        found = [drift for item in self.drifted for drift, _ in item.found]
        of_helm = [drift for drift in (self.overtaken, self.pending) if drift]
        return [*found, *(drift for drift, _ in self.foreign), *of_helm]

    @property
    def drift(self) -> list[Drift]:
        """All drift that isn't excepted."""
        return [drift for drift in self.all if not drift.reason]


def update(api: Api, drifted: Drifted, live: Object, *, dry: bool) -> tuple[Object, Object]:
    """The object as an update makes it, run dry or not, and the live object that this goes for.

    A controller may write between two requests: then it is read anew, a few times. Raises ApiException.
    """
    for _ in range(ATTEMPTS):
        try:
            target = drifted.target(live)
            manager = drifted.owner or MANAGER
            return api.send("PUT", drifted.path, target, fieldManager=manager, dryRun="All" if dry else ""), live
        except client.ApiException as error:
            if error.status != 409:
                raise
        time.sleep(PAUSE)
        live = api.get(drifted.path)
    raise TimeoutError("it changes faster than it can be read")


def immutable(release: str, namespace: str, item: Object, live: Object, error: client.ApiException, cure: str) -> Drift:
    """Somebody put another object in its place, and what differs can't be changed; `cure` says what can be done."""
    try:
        causes = json.loads(error.body or "")["details"]["causes"]
        fields = ", ".join(dict.fromkeys(cause["field"] for cause in causes))
    except (KeyError, TypeError, ValueError):
        fields = ""
    who = next((manager for manager in managers_of(live) if manager.is_foreign), None)
    return Drift(
        release, namespace, object_name(item), "immutable", fields, "", f"not as declared; {cure}",
        who.name if who else NOBODY, who.time if who else "",
    )  # fmt: skip
