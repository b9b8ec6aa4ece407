"""The folder that programs are kept in, shared by all checkouts of one user."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from toolchain.programs import Program, version_set

WAIT_LINE_SECONDS = 30


class Store:
    """Installed programs as `<root>/<program>/<key>/`, and one folder of links to them per set of versions.

    A program's folder appears by one rename, when everything in it has been checked: what is there is whole.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of_user(cls) -> Store:
        """The store at TOOLCHAIN_DIR, else in the user's cache folder."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        root = Path(os.environ.get("TOOLCHAIN_DIR") or cache / "private-chatgpt" / "toolchain")
        return cls(root.expanduser().absolute())

    def home(self, program: Program) -> Path:
        """The folder this version of a program has or will have."""
        return self.root / program.name / program.key

    def has(self, program: Program) -> bool:
        """True if every file of this version of a program is there and may be run."""
        return all(os.access(self.home(program) / name, os.X_OK) for name in program.files)

    def bin(self, programs: Iterable[Program]) -> Path:
        """The folder of links for this set of versions, to be put on PATH."""
        return self.root / "bin" / version_set(programs)

    @contextmanager
    def lock(self, program: Program, say: Callable[[str], None]) -> Iterator[int]:
        """Waits until no other run is installing this program; gives the lock's file descriptor.

        Whoever inherits the descriptor keeps the lock: a build that outlives its killed installer is waited for, and
        then costs the next run only what is left to do.
        """
        path = self.root / program.name / ".lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            said = 0.0
            while not _try_lock(file.fileno()):
                if not said or time.monotonic() - said >= WAIT_LINE_SECONDS:
                    say(f"waiting for another run that is installing it (it holds {path})")
                    said = time.monotonic()
                time.sleep(0.1)
            yield file.fileno()

    @contextmanager
    def staging(self, program: Program) -> Iterator[Path]:
        """A scratch folder on the same file system; it and what dead runs left are removed. Call it under the lock."""
        home = self.root / program.name
        for leftover in home.glob(".staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = home / f".staging-{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, program: Program, files: Path) -> None:
        """Makes a folder of checked files the program's folder, at once."""
        home = self.home(program)
        if home.exists():  # somebody deleted a file in it: has() said no
            shutil.rmtree(home)
        files.rename(home)

    def link(self, programs: Iterable[Program], version_set_of: Iterable[Program]) -> Path:
        """Links every file of the programs into the folder of a set of versions, which it returns."""
        folder = self.bin(version_set_of)
        folder.mkdir(parents=True, exist_ok=True)
        for program in programs:
            for name in program.files:
                new = folder / f".{name}.{os.getpid()}"
                new.symlink_to(Path("../..", program.name, program.key, name))
                new.replace(folder / name)
        return folder


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
