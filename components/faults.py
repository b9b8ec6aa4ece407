"""What is wrong with settings, in words for the person who wrote them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pulumi
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from components.settings import all_settings

NOT_SHOWN = ("secretEnv", "keys")
"""Keys of `librechat` below which a message never shows what was found."""
ENCRYPTED = (("mongodb", "uri"), ("meilisearch", "key"))
"""Paths below `librechat` of which the same holds."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; `key` is None where the text names a file of its own."""

    key: str | None
    text: str


class SettingsError(pulumi.RunError):
    """Settings that can't be used: the message lists every fault, with file, key, what was found and is allowed."""

    def __init__(self, stack: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        file = f"Pulumi.{stack}.yaml"
        lines = [f"  {file}: {fault.key} {fault.text}" if fault.key else f"  {fault.text}" for fault in faults]
        count = "1 setting" if len(lines) == 1 else f"{len(lines)} settings"
        super().__init__("\n".join([f"{count} can't be used; nothing was changed.", *lines]))


def explain(error: ValidationError, encrypted: Collection[str]) -> list[Fault]:
    """The faults of a validation: key, what was found (but for secrets and `encrypted` keys), what is allowed."""
    return [_explain(details, encrypted) for details in error.errors(include_url=False)]


def _explain(details: ErrorDetails, encrypted: Collection[str]) -> Fault:
    path = [str(part) for part in details["loc"] if part != "[key]"]
    key = ".".join(path)
    if details["type"] == "extra_forbidden":
        return _unknown(path)
    allowed = _allowed(path) or details["msg"]
    if details["type"] == "missing":
        return Fault(key, f"is missing; allowed: {allowed}")
    # Of an encrypted key the engine tells no more than its first part, so free maps below it may hold the secret.
    free = path[0] in encrypted and (len(path) == 1 or path[1] in ("env", "values"))
    # Somebody may have put the secret itself where the map belongs that holds it.
    secret = path[0] == "librechat" and any(tuple(path[1:3]) in (parent, parent[:1]) for parent in ENCRYPTED)
    hidden = free or secret or any(part in NOT_SHOWN for part in path)
    found = "a value that is not shown" if hidden else json.dumps(details["input"], ensure_ascii=False, default=str)
    return Fault(key, f"found {found}; allowed: {allowed}")


def _unknown(path: list[str]) -> Fault:
    key, name = ".".join(path), path[-1]
    parent = _without_indexes(path[:-1])
    beside = f"{parent}." if parent else ""
    keys = (known.removeprefix(beside) for known in all_settings() if known.startswith(beside))
    known = sorted(known for known in keys if "." not in known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f". Did you mean {close[0]}?" if close else ""
    return Fault(key, f"is not a known key; allowed: {', '.join(known)}{hint}")


def _allowed(path: list[str]) -> str | None:
    """What the setting itself, or the one that holds it (a list, a free map), allows."""
    settings = all_settings()
    for length in range(len(path), 0, -1):
        field = settings.get(_without_indexes(path[:length]))
        if field is not None:
            return field.allowed
    return None


def _without_indexes(path: list[str]) -> str:
    return ".".join(part for part in path if not part.isdigit())
