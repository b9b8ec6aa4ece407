"""The locks of a stack in a file backend: which are held by a live process, and which were left behind."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from ops.recovery.place import Place
from ops.recovery.processes import PROC

CLOCKS = timedelta(seconds=5)
"""How much younger than its lock a process may seem: `ps` knows whole seconds."""
WRITING = 2
"""Seconds: far more than it takes to write a lock of 200 bytes."""
ELAPSED = re.compile(r"(?:(?:(?P<days>\d+)-)?(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)")
"""How POSIX has `ps` say how long a process has been running."""


class Holder(StrEnum):
    """What is known of the process that made a lock."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"
    """It ran on another machine, or the lock can't be read, or nothing here tells of processes."""


@dataclass(frozen=True)
class Lock:
    """One lock of the stack."""

    file: Path
    holder: Holder
    text: str
    """Who made it, when, and whether that process is still there."""


def locks_of(place: Place) -> list[Lock] | None:
    """The locks of the stack, oldest first; None where the backend is not a folder, so that nobody can look into it."""
    backend = place.folder()
    if backend is None:
        return None
    folder = backend / ".pulumi" / "locks" / "organization" / place.project / place.stack
    found: list[tuple[float, Path]] = []
    for file in (*folder.glob("*.json"), *folder.glob("*.tmp")):
        with suppress(FileNotFoundError):  # Taken off meanwhile.
            found.append((file.stat().st_mtime, file))
    return [_lock(file) if file.suffix == ".json" else _unfinished(file, written) for written, file in sorted(found)]


def _unfinished(file: Path, written: float) -> Lock:
    """A lock that could not be written to its end: Pulumi leaves it there, and reads it as a lock ever after."""
    text = f"{file.name}, which was never written to its end: was the disk full?"
    if abs(time.time() - written) < WRITING:
        return Lock(file, Holder.ALIVE, f"{file.name}, which is being written")
    return Lock(file, Holder.GONE, text)


def _lock(file: Path) -> Lock:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        pid, host = int(content["pid"]), str(content["hostname"])
        made = datetime.fromisoformat(content["timestamp"])
    except (OSError, ValueError, KeyError, TypeError):
        return Lock(file, Holder.UNKNOWN, f"{file.name} can't be read: who made it is not known")
    who = f"process {pid} of {content.get('username', 'somebody')} on {host}, {made:%Y-%m-%d %H:%M:%S} UTC"
    alive = is_alive(pid, made) if host == socket.gethostname() else None
    if alive is None:
        return Lock(file, Holder.UNKNOWN, f"{who}: whether that is still at work can't be seen from here")
    if alive:
        return Lock(file, Holder.ALIVE, f"{who}: still running")
    return Lock(file, Holder.GONE, f"{who}: no longer there")


def is_alive(pid: int, since: datetime) -> bool | None:
    """Whether the process that had this id at that time still runs; one that is younger has got its id later.

    None where that can't be told: where there is no /proc, and no `ps` on PATH either.
    """
    try:
        with suppress(PermissionError):  # It is there, and somebody else's.
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    try:
        state, age = _by_proc(pid) if (PROC / "self").exists() else _by_ps(pid)
    except OSError:
        return None
    if state.startswith("Z"):
        return False  # It has ended, and nobody has asked how.
    return None if age is None else datetime.now(UTC) - age <= since + CLOCKS


def _by_proc(pid: int) -> tuple[str, timedelta]:
    """State and age of a process; raises OSError where it is hidden."""
    # The second field is its name, in which anything may stand; the 22nd is how long the machine ran then, in ticks.
    fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0], timedelta(seconds=seconds)


def _by_ps(pid: int) -> tuple[str, timedelta | None]:
    """State and age of a process, as far as `ps` tells them; raises OSError where there is none."""
    told = subprocess.run(["ps", "-o", "etime=", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    elapsed, _, state = told.stdout.strip().partition(" ")
    found = ELAPSED.fullmatch(elapsed)
    units = {unit: int(number) for unit, number in found.groupdict().items() if number} if found else None
    return state.strip(), None if units is None else timedelta(**units)
