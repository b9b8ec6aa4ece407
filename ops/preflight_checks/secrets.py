"""Check `secrets`: whether the Secrets that others make are there, with the keys that are read, in their formats.

No value is ever part of what is said, not even a piece of one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping

from components.existing import ExistingSecret
from components.formats import HEX_KEY_LENGTHS, MASTER_KEY, MONGO_URI
from ops.diagnosis.objects import Object
from ops.preflight_checks.findings import Said, fails, unknown, well
from ops.preflight_checks.rendering import Release
from ops.preflight_checks.view import Unreadable, View

FORMATS: Mapping[str, tuple[str, str]] = {
    **{name: (rf"[0-9a-fA-F]{{{length}}}", f"{length} hex characters") for name, length in HEX_KEY_LENGTHS.items()},
    "MEILI_MASTER_KEY": (MASTER_KEY, "16 or more printable ASCII characters, no space"),
    "MONGO_URI": (MONGO_URI, "a mongodb:// or mongodb+srv:// address with the name of a database behind the host"),
}
"""What a variable has to look like: as a regular expression, and in words."""


def secrets(view: View) -> Iterator[Said]:
    """Whether every Secret that others make can be used."""
    release = view.rendered.release
    if not release.existing_secrets:
        yield well("no Secret of others is read")
        return
    there = view.live_namespace() is not None
    for expected in release.existing_secrets:
        found = view.existing_secrets.get(expected.name)
        if isinstance(found, Unreadable):
            yield unknown(f"Secret {expected.name} can't be read: {found.why}")
        elif found is None and not there:
            yield unknown(
                f"the namespace {release.namespace} is not there yet, nor is Secret {expected.name} in it",
                "pulumi up makes the namespace and waits for the Secret: have its ExternalSecret or SealedSecret "
                f"ready, with {_listed(expected.keys.values())}",
            )
        elif found is None:
            yield fails(f"Secret {expected.name} ({expected.setting}) is not there", _make(release, expected))
        else:
            yield from _compared(release, expected, found)


def _compared(release: Release, expected: ExistingSecret, found: Object) -> Iterator[Said]:
    held = {key: _decoded(text) for key, text in (found.get("data") or {}).items()}
    values = {variable: held.get(key, "") for variable, key in expected.keys.items()}
    missing = [expected.keys[variable] for variable, text in values.items() if not text]
    wrong = [variable for variable, text in values.items() if text and not _fits(text, variable)]
    same = bool(values.get("JWT_SECRET")) and values["JWT_SECRET"] == values["JWT_REFRESH_SECRET"]
    if missing:
        there = f"it has {_listed(held)}" if held else "it has none"
        yield fails(
            f"Secret {expected.name} ({expected.setting}) lacks {_listed(missing)}; {there}", _make(release, expected)
        )
    for variable in wrong:
        hint = "; it ends with a line break" if values[variable].endswith("\n") else ""
        yield fails(
            f"Secret {expected.name}: the key {expected.keys[variable]} is not {FORMATS[variable][1]}, as LibreChat's "
            f"{variable} has to be{hint}",
            "Change it where the Secret comes from, then run pulumi up again: it goes on from here",
        )
    if same:
        yield fails(
            f"Secret {expected.name}: JWT_SECRET and JWT_REFRESH_SECRET are the same",
            "Give them different values where the Secret comes from: one would stand for the other",
        )
    if not (missing or wrong or same):
        yield well(f"Secret {expected.name} has {_listed(expected.keys.values())}")


def _make(release: Release, expected: ExistingSecret) -> str:
    return (
        f"Make the ExternalSecret, SealedSecret or Secret {expected.name} in namespace {release.namespace} with "
        f"{_listed(expected.keys.values())}, then run pulumi up again: it goes on from here, nothing is lost"
    )


def _fits(text: str, variable: str) -> bool:
    return re.fullmatch(FORMATS[variable][0], text) is not None


def _decoded(text: str) -> str:
    """A value as text; of bytes that are none, what passes for no format."""
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "\0"


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys))
