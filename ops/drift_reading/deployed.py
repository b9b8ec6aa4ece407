"""The stack's own objects as they were last deployed, out of the engine's state: the stack file may be ahead of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.guardrails.quantities import amount
from ops.diagnosis.objects import Object
from ops.drift_reading.comparing import differences
from ops.drift_reading.entries import object_name
from ops.drift_reading.fields import MISSING, Manager, managers_of, owner_of, put
from ops.tokens import HELM_APP, SECRET

HELD = ("data", "stringData")


@dataclass(frozen=True)
class Deployed:
    """One object."""

    manifest: Object
    """What it was made of, but for what a Secret holds: that is encrypted in the state."""
    keys: frozenset[str] = frozenset()
    """Those of a Secret."""

    def is_like(self, other: Deployed) -> bool:
        """Whether both say the same, however it is written."""
        return (_plain(self.manifest), self.keys) == (_plain(other.manifest), other.keys)

    def holding(self, values: Mapping[str, str]) -> dict[str, Any]:
        """The manifest, a Secret's with its keys; their values are taken to be `values`."""
        if self.manifest["kind"] != "Secret":
            return dict(self.manifest)
        return {**self.manifest, "data": {key: values.get(key, "") for key in sorted(self.keys)}}


def deployed_beside(
    release: str, resources: Sequence[Mapping[str, Any]], program: Mapping[str, Deployed]
) -> list[Deployed]:
    """The native objects of the app `release` among the resources of a state; `program` declares some by `Kind/name`.

    A `pulumi refresh` puts what somebody edited by hand into the state. Of such a field, nothing but the program says
    what it was before.
    """
    found = []
    for item in resources:
        inputs = item.get("inputs") or {}
        of_app = str(item.get("parent", "")).endswith(f"{HELM_APP}::{release}")
        if of_app and "metadata" in inputs and not item.get("delete"):
            is_secret = item["type"] == SECRET
            manifest = {key: value for key, value in inputs.items() if not (is_secret and key in HELD)}
            meant = program.get(object_name(manifest))
            noted = (item.get("outputs") or {}).get("metadata") or {}
            seen = {**manifest, "metadata": {**manifest["metadata"], "managedFields": noted.get("managedFields") or ()}}
            keys = _keys(seen, meant.keys if meant else frozenset()) if is_secret else frozenset()
            found.append(Deployed(_before_refresh(manifest, seen, meant.manifest) if meant else manifest, keys))
    return found


def _before_refresh(manifest: Object, seen: Object, meant: Object) -> Object:
    before = copy.deepcopy(dict(manifest))
    ours = [manager for manager in managers_of(seen) if manager.is_release]
    for each in differences(meant, seen):
        theirs = each.manager is not None and each.manager.is_foreign and owner_of(each.path, ours) is None
        if theirs and each.declared is not MISSING:
            put(before, each.path, each.declared)
    return before


def _plain(value: Any) -> Any:
    """As the provider writes an object into the state: without what is empty, quantities in one unit."""
    if isinstance(value, Mapping):
        parts = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    try:
        return amount(value)
    except ValueError:
        return value


def _keys(seen: Object, of_program: frozenset[str]) -> frozenset[str]:
    """The keys of a Secret, from who had written which when the engine saw it last: its values are encrypted as one."""
    managers = managers_of(seen)
    ours = _written([manager for manager in managers if manager.is_release])
    # A refresh notes a key that somebody has rewritten as theirs. One that they added the program doesn't have.
    theirs = _written(managers) & of_program
    return ours | theirs or of_program


def _written(managers: Sequence[Manager]) -> frozenset[str]:
    return frozenset(step[2:] for manager in managers for step in manager.fields.get("f:data", {}) if step != ".")
