"""Whether data can go into what runs: never into an older app than the one that wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that has another version than it had when the backup was made."""

    what: str
    then: str
    now: str
    older: bool | None
    """Whether it is older now; None where the two can't be compared."""

    def __str__(self) -> str:
        """In words."""
        how = {True: "older", False: "newer", None: "another one"}[self.older]
        return f"{self.what} is {self.now} here and was {self.then} in the backup: {how}"


def differences(then: dict[str, str], now: dict[str, str]) -> list[Difference]:
    """What has another version now; of what is only in one of both, nothing."""
    found = []
    for what, old in then.items():
        new = now.get(what, "")
        if old and new and version(old) != version(new):
            found.append(Difference(what, version(old), version(new), _older(version(old), version(new))))
    return found


def version(text: str) -> str:
    """The tag of an image, or its digest where it has no tag; anything else, such as a chart's version, as it is."""
    image, _, digest = text.partition("@")
    _, colon, tag = image.rpartition(":")
    if colon and "/" not in tag:
        return tag
    return digest or text


def _older(then: str, now: str) -> bool | None:
    old, new = _numbers(then), _numbers(now)
    return None if old is None or new is None else new < old


def _numbers(text: str) -> tuple[int, ...] | None:
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found and not text.startswith("sha256:") else None
