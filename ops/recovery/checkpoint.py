"""The state file of a stack in a file backend: whether it is whole, and the newest whole copy of it that is there."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.recovery.place import Place

PACKED = ".gz"
"""Ending of the files that Pulumi writes with PULUMI_SELF_MANAGED_STATE_GZIP."""
KEPT = ".broken-"
"""What the name of a broken file goes on with that was replaced, before the time at which it was."""


@dataclass(frozen=True)
class Copy:
    """A whole copy of the state, made by Pulumi itself, or what is whole of one that is cut off."""

    file: Path
    text: str
    noted: datetime | None
    """When the engine noted what stands in it; None for a stack that was never deployed."""
    resources: int | None = None
    """Of one that is cut off, how many resources are whole in it; None for a whole copy."""
    has_keys: bool = True
    """Whether the keys are in it without which nobody can read what users have stored."""


@dataclass(frozen=True)
class Broken:
    """A state file that can't be read, so that no command of Pulumi goes on with the stack."""

    file: Path
    why: str
    copy: Copy | None
    """What to put in its place."""

    @property
    def text(self) -> str:
        """What is wrong, in words."""
        return f"the stack's state can't be read: {self.file} ({self.file.stat().st_size} bytes): {self.why}"

    @property
    def step(self) -> str:
        """What is done about it, in words."""
        if self.copy is None:
            return (
                "there is no whole copy of it beside: put one back from a backup of the backend. An `up` with an empty "
                "state would make new keys; the Secrets in the cluster still hold those of now"
            )
        if self.copy.resources is not None:
            return (
                f"there is no whole copy of it: put in its place what is whole of {self.copy.file}, "
                f"{self.copy.resources} resources; the broken file is kept beside it, and the next `up` makes what is "
                "missing"
            )
        when = f"{self.copy.noted:%Y-%m-%d %H:%M:%S} UTC" if self.copy.noted else "before the first update"
        return f"put the newest whole copy in its place: {self.copy.file}, of {when}; the broken file is kept beside it"


def broken_state(place: Place) -> Broken | None:
    """The stack's state file where it is broken; None where it is whole, not there, or in no folder."""
    folder = place.folder()
    if folder is None:
        return None
    for file in (_stacks(folder, place) / f"{place.stack}.json{ending}" for ending in ("", PACKED)):
        try:
            _noted(_text(file))
        except FileNotFoundError:
            continue
        except (OSError, EOFError, ValueError) as error:
            return Broken(file, str(error), _newest(folder, place))
    return None


def put_back(broken: Broken, copy: Copy) -> Path:
    """Put the copy in the place of the broken file; returns where that is kept. Raises OSError."""
    kept = broken.file.with_name(f"{broken.file.name}{KEPT}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    fresh = broken.file.with_name(f"{broken.file.name}.whole")
    content = copy.text.encode()
    try:
        with fresh.open("wb") as stream:
            stream.write(gzip.compress(content) if broken.file.suffix == PACKED else content)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(broken.file, fresh)
        _keep(broken.file, kept)
        fresh.replace(broken.file)
    except OSError:
        # The disk may be full still: nothing of ours is to take up what is left of it.
        fresh.unlink(missing_ok=True)
        raise
    return kept


def _keep(file: Path, kept: Path) -> None:
    try:
        os.link(file, kept)
    except OSError:  # A file system without links.
        shutil.copy2(file, kept)


def _stacks(folder: Path, place: Place) -> Path:
    return folder / ".pulumi" / "stacks" / place.project


def _newest(folder: Path, place: Place) -> Copy | None:
    copies = list(_copies(folder, place))
    if copies:
        return max(copies, key=lambda item: item.noted or datetime.min.replace(tzinfo=UTC))
    # The state file itself comes first, for where another holds no more. What an earlier recovery has kept is older
    # than the state that was put in its place.
    files = sorted(_stacks(folder, place).glob(f"{place.stack}.json*"))
    cut = [_cut(file) for file in files if file.suffix != ".attrs" and KEPT not in file.name]
    return max((item for item in cut if item), key=lambda item: item.resources or 0, default=None)


def _cut(file: Path) -> Copy | None:
    """What is whole of a state file that is cut off: a full disk during a first install leaves nothing better.

    The engine writes its resources in the order in which they need each other, so that what stands before the cut needs
    nothing that stood behind it. Packed files tell nothing when they are cut.
    """
    try:
        text = file.read_bytes().decode(errors="ignore")
    except OSError:
        return None
    start = re.search(r'"resources":\s*\[\s*', text)
    if file.suffix == PACKED or start is None:
        return None
    decoder, found, place = json.JSONDecoder(), 0, start.end()
    end = place
    with suppress(ValueError):
        while text[place] not in "]":
            _, end = decoder.raw_decode(text, place)
            found += 1
            place = end + len(text[end:]) - len(text[end:].lstrip(" \n\t,"))
            if place >= len(text):
                break
    try:
        whole = text[:end] + "]}}}"
        keys = all(f"::librechat-{key}" in whole for key in ("creds-key", "creds-iv"))
        return Copy(file, whole, _noted(whole), found, keys) if found else None
    except ValueError:
        return None


def _copies(folder: Path, place: Place) -> Iterator[Copy]:
    """What stood there before the last write, and what the history kept of each update, the latest first."""
    history = folder / ".pulumi" / "history" / place.project / place.stack
    files = sorted(_stacks(folder, place).glob(f"{place.stack}.json*.bak"))
    files += sorted(history.glob(f"{place.stack}-*.checkpoint.json*"), reverse=True)
    for file in files:
        if file.suffix == ".attrs":
            continue
        try:
            text = _text(file)
            yield Copy(file, text, _noted(text))
        except (OSError, EOFError, ValueError):
            continue


def _text(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if PACKED in file.suffixes else content).decode()


def _noted(text: str) -> datetime | None:
    """When what stands in a state file was noted; raises ValueError where it is no whole state file."""
    content: Any = json.loads(text)
    try:
        latest = content["checkpoint"].get("latest") or {}
        moment = (latest.get("manifest") or {}).get("time")
        return datetime.fromisoformat(moment) if moment else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is no state file of Pulumi") from error
