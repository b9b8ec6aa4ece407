"""Processes that an engine started and that outlived it: a provider may go on with a release for minutes."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.recovery.place import Place

PROC = Path("/proc")
PLUGIN = re.compile(
    r"(?P<name>pulumi-(?:resource|language)-[a-z0-9-]+|pulumi\.dynamic)\S*(?:\s.*?)?\s127\.0\.0\.1:(?P<port>\d+)$"
)
"""A plugin is told where its engine listens. That of the guards is a script, which hands on to `pulumi.dynamic`."""
PROGRAM = re.compile(r"pulumi-language-\S+-exec .*--engine 127\.0\.0\.1:(?P<port>\d+) ")
"""So is what runs the program, which is told the stack too."""
OF_ENGINE = ("PULUMI_HOME", "PULUMI_BACKEND_URL")
"""What tells one backend from another in the environment of a process."""
LISTENING = "0A"
"""The state of a socket in /proc/net/tcp (Linux, net/tcp_states.h)."""
EnvironmentOf = Callable[[int], Mapping[str, str] | None]
Listens = Callable[[int], bool]
PATIENCE = 5
"""Seconds that a process gets to end before it is killed."""


@dataclass(frozen=True)
class Process:
    """One process."""

    pid: int
    line: str
    """Its command line, in which a blank parts the words."""


@dataclass(frozen=True)
class Orphan:
    """A process whose engine is gone."""

    pid: int
    name: str
    """Such as `pulumi-resource-kubernetes`."""
    proven: bool
    """Whether it was certainly started for this stack."""


def orphans_of(place: Place) -> list[Orphan]:
    """The processes of this user that an engine of the stack, or of its project, left behind.

    Where there is no /proc, as on macOS, none is found: whose a process is, only its environment tells.
    """
    processes = _processes()
    return orphans_among(
        processes, place, _environment, lambda port: _listens(port) and not _is_anothers(port, processes, place)
    )


def orphans_among(
    processes: Iterable[Process],
    place: Place,
    environment: EnvironmentOf,
    listens: Listens,
) -> list[Orphan]:
    """Those of the processes whose engine is gone; proven where their engine ran this stack of this backend."""
    processes = list(processes)
    dead: dict[str, bool] = {}
    named: set[str] = set()
    """Ports of engines whose program says that it is this stack's."""
    candidates: list[tuple[Process, str, str]] = []
    for process in processes:
        if found := PROGRAM.search(process.line):
            candidates.append((process, "the program", found["port"]))
            if _names(process.line, place):
                named.add(found["port"])
        elif found := PLUGIN.search(process.line):
            candidates.append((process, found["name"], found["port"]))
    orphans = []
    for process, name, port in candidates:
        known = environment(process.pid)
        if known is None or not _same_backend(known, place):
            continue
        if port not in dead:
            dead[port] = not listens(int(port))
        if not dead[port]:
            continue
        if port in named:
            orphans.append(Orphan(process.pid, name, proven=True))
        elif known.get("PULUMI_PROJECT") == place.project:
            orphans.append(Orphan(process.pid, name, proven=False))
    return orphans


def end(orphans: Iterable[Orphan], place: Place) -> None:
    """End those that are proven, if they still are what they were; raises OSError where one may not be ended."""
    still = {item.pid for item in orphans_of(place) if item.proven}
    pids = [item.pid for item in orphans if item.proven and item.pid in still]
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while any(map(_is_there, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in filter(_is_there, pids):
        _signal(pid, signal.SIGKILL)


def _names(line: str, place: Place) -> bool:
    words = line.split()
    told = dict(itertools.pairwise(words))
    return told.get("--project") == place.project and told.get("--stack") == place.stack


def _same_backend(known: Mapping[str, str], place: Place) -> bool:
    return all(known.get(key, "") == place.environment.get(key, "") for key in OF_ENGINE)


def _processes() -> list[Process]:
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # It ended meanwhile.
            if folder.stat().st_uid == os.getuid():
                line = (folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
                found.append(Process(int(folder.name), line))
    return found


def _environment(pid: int) -> dict[str, str] | None:
    """The environment of a process of this user; None where it can't be read."""
    with suppress(OSError):
        pairs = (item.partition("=") for item in (PROC / f"{pid}/environ").read_text(errors="replace").split("\0"))
        return {key: value for key, _, value in pairs if key}
    return None


def _listens(port: int) -> bool:
    """Whether anything answers there: the engine, as long as it lives."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return True  # In doubt it lives.


def _is_anothers(port: int, processes: Iterable[Process], place: Place) -> bool:
    """Whether who listens there is surely of another backend: it was given the port after the engine had gone."""
    sockets = _sockets(port)
    holders = [process.pid for process in processes if not sockets.isdisjoint(_files(process.pid))]
    known = [_environment(pid) for pid in holders]
    return bool(known) and all(item is not None and not _same_backend(item, place) for item in known)


def _sockets(port: int) -> set[str]:
    """The sockets that listen at the port, named as `/proc/<pid>/fd` names them; none where it can't be told."""
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for row in (line.split() for line in (PROC / "net" / table).read_text().splitlines()[1:]):
                if row[3] == LISTENING and row[1].endswith(f":{port:04X}"):
                    found.add(f"socket:[{row[9]}]")
    return found


def _files(pid: int) -> set[str]:
    """What a process has open; nothing where that can't be read."""
    found = set()
    with suppress(OSError):
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):  # It was closed meanwhile.
                found.add(str(descriptor.readlink()))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
