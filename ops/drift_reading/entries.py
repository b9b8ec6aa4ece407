"""Drift in words: texts that may stand on a screen, in a log or in a state file, since no secret is in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops.diagnosis.masking import NOT_SHOWN, Masker, hidden, is_secret_name
from ops.diagnosis.objects import Object
from ops.diagnosis.words import shortened
from ops.drift_reading.comparing import Difference
from ops.drift_reading.fields import MISSING, Manager, shown

Change = Literal["changed", "added", "removed", "deleted", "foreign", "pending", "immutable"]
NOBODY = "unknown"
"""Who removed something: the API server keeps no trace of that."""
LONGEST = 80
"""Characters of a value."""


@dataclass(frozen=True)
class Drift:
    """One thing that isn't as the stack declares it."""

    release: str
    namespace: str
    object: str
    """Such as `Deployment/ollama`."""
    change: Change
    field: str = ""
    """Such as `spec.replicas`; empty where it is about the whole object."""
    declared: str = ""
    live: str = ""
    manager: str = NOBODY
    """The field manager that wrote what is there now."""
    since: str = ""
    """When, in the form of the API server; empty where that isn't known."""
    reason: str = ""
    """Why the stack file excepts it; empty where it doesn't."""

    @property
    def who(self) -> str:
        """Who wrote what is there now, and when, as far as both are known."""
        return f"{self.manager} {self.since}".strip()

    def line(self) -> str:
        """It in one line."""
        told = {
            "changed": f"{self.field}: {self.declared} → {self.live}",
            "added": f"{self.field}: added {self.live}",
            "removed": f"{self.field}: removed, was {self.declared}",
            "deleted": "deleted",
            "foreign": "not ours, created by hand",
            "pending": f"helm left it {self.live}: python -m ops recover --stack NAME",
            "immutable": f"{self.field}: {self.live}",
        }
        return f"{self.object} {told[self.change]} ({self.who})"

    def undone(self) -> str:
        """What healing it did, in one line."""
        did = {
            "changed": f"{self.field} {self.live} → {self.declared}",
            "added": f"{self.field} taken away",
            "removed": f"{self.field} put back",
            "deleted": "made anew",
            "immutable": "replaced",
        }
        return f"{self.object} {did.get(self.change, self.change)} ({self.who})"

    def patch(self) -> list[str]:
        """What healing would do to the object, a line for what goes and one for what comes."""
        gone = [f"- {self.field}: {self.live}"] if self.change in ("changed", "added") else []
        come = [f"+ {self.field}: {self.declared}"] if self.change in ("changed", "removed") else []
        return [*gone, *come] if gone or come else ["+ the whole object" if self.change == "deleted" else self.line()]


@dataclass(frozen=True)
class Excepted:
    """A field that may drift."""

    object: str
    field: str
    """`*` for the whole object; a field stands for all below it too."""
    reason: str

    def covers(self, drift: Drift) -> bool:
        """Whether the drift is the one that is excepted."""
        if self.object != drift.object:
            return False
        rest = drift.field.removeprefix(self.field)
        return self.field == "*" or (bool(drift.field) and rest != drift.field and (not rest or rest[0] in ".["))


def told(release: str, namespace: str, item: Object, found: Difference, mask: Masker, reason: str = "") -> Drift:
    """A difference in words."""
    change: Change = "added" if found.declared is MISSING else "removed" if found.live is MISSING else "changed"
    return Drift(
        release=release,
        namespace=namespace,
        object=object_name(item),
        change=change,
        field=shown(found.path),
        declared=_value(item, found, found.declared, mask),
        live=_value(item, found, found.live, mask),
        manager=found.manager.name if found.manager else NOBODY,
        since=found.manager.time if found.manager else "",
        reason=reason,
    )


def about(release: str, item: Object, namespace: str, change: Change, manager: Manager | None = None) -> Drift:
    """Drift of a whole object."""
    who, when = (manager.name, manager.time) if manager else (NOBODY, "")
    return Drift(release, namespace, object_name(item), change, manager=who, since=when)


def object_name(item: Object) -> str:
    """Such as `Deployment/ollama`."""
    return f"{item['kind']}/{item['metadata']['name']}"


def excepted(drift: Drift, exceptions: Sequence[Excepted]) -> str:
    """The reason why the drift is let be; empty where there is none."""
    return next((item.reason for item in exceptions if item.covers(drift)), "")


def _value(item: Object, found: Difference, value: Any, mask: Masker) -> str:
    if value is MISSING:
        return ""
    if item["kind"] == "Secret" and found.path[:1] in (("f:data",), ("f:stringData",)):
        return NOT_SHOWN
    names = [step for step in found.path if step[:2] in ("f:", "k:")]
    if any(is_secret_name(_name(step)) for step in names[-2:]):
        return NOT_SHOWN if isinstance(value, str) else _text(hidden(value), mask)
    return _text(hidden(value), mask)


def _text(value: Any, mask: Masker) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Masked before it is cut: half a secret would not be known for one.
    return shortened(mask(text), LONGEST)


def _name(step: str) -> str:
    if step.startswith("f:"):
        return step[2:]
    return str(json.loads(step[2:]).get("name", ""))
