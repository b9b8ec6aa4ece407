"""The table of programs (programs.toml), parsed for this machine."""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("programs.toml")
GROUPS = ("deploy", "cluster", "test")


class TableError(Exception):
    """programs.toml says something that can't be: which entry and why."""


@dataclass(frozen=True)
class ModuleFile:
    """A file of a Go module: the module's path (its version is go.mod's) and the file's path inside it."""

    module: str
    path: str

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Release:
    """An official release: its URL, the URL of its checksums, and what to take out of the archive (nothing: all)."""

    url: str
    checksums: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoModule:
    """A folder with go.mod and go.sum, and how `go build` is called in it."""

    folder: Path
    source: str
    tags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    gcflags: str = ""
    generate: tuple[tuple[str, str], ...] = ()
    embed: tuple[ModuleFile, ...] = ()

    def files(self) -> list[Path]:
        """The committed files of the folder, sorted; not what a build by hand left there."""
        return sorted(p for p in self.folder.rglob("*") if p.suffix in {".go", ".mod", ".sum"})

    @property
    def go_version(self) -> str:
        """The lowest Go version that go.mod allows, for example `1.26.0`."""
        lines = (self.folder / "go.mod").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith("go "))


@dataclass(frozen=True)
class GoBuild:
    """A program of a Go module; `seconds` is the time of a cold build on two cores."""

    module: GoModule
    package: str
    seconds: int
    beside: tuple[ModuleFile, ...] = ()


@dataclass(frozen=True)
class Program:
    """A program in one version, for one operating system and processor.

    `key` names its folder in the store: version, platform and a digest of everything that decides what is built, so
    that a changed recipe never meets an old binary.
    """

    name: str
    version: str
    group: str
    check: tuple[str, ...]
    expect: str
    release: Release | None
    go: GoBuild
    key: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that must be there, the program's own first."""
        return (self.name, *(file.name for file in self.go.beside))

    def __str__(self) -> str:
        """Name and version, as they are shown to people."""
        return f"{self.name} {self.version}"


def platform() -> tuple[str, str]:
    """The operating system and processor of this machine, as Go names them, for example `("linux", "amd64")`."""
    machine = os.uname().machine
    return sys.platform, {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def load(table: Path = TABLE) -> tuple[Program, ...]:
    """All programs of a table, in its order; raises TableError for an entry that is incomplete or has unknown keys."""
    document = tomllib.loads(table.read_text())
    programs = []
    for name, entry in document["program"].items():
        try:
            programs.append(_program(name, entry, document["module"], table.parent / "modules"))
        except (KeyError, TypeError) as error:
            raise TableError(f"{table}: program.{name}: {error}") from error
        if programs[-1].group not in GROUPS:
            raise TableError(f"{table}: program.{name}.group is {entry['group']!r}, not one of {', '.join(GROUPS)}")
    return tuple(programs)


def version_set(programs: Iterable[Program]) -> str:
    """A short digest that changes with any program's key."""
    return _digest(f"{program.name}/{program.key}" for program in programs)


def _program(name: str, entry: Mapping[str, Any], modules: Mapping[str, Any], folder: Path) -> Program:
    system, arch = platform()
    words = {"name": name, "version": entry["version"], "os": system, "arch": arch}
    words["x64"] = "x64" if arch == "amd64" else arch
    release = _release(entry.get("release"), words, system)
    go = {**entry["go"], "beside": _files(entry["go"])}
    module = go.pop("module")
    go["module"] = _module(folder / module, modules[module], words)
    rest = {key: value for key, value in entry.items() if key not in {"release", "go", "check"}}
    rest.setdefault("expect", rf"(?<![\d.])v?{entry['version'].replace('.', '[.]')}(?![\d.-])")
    program = Program(name=name, check=tuple(entry["check"]), release=release, go=GoBuild(**go), **rest)
    return replace(program, key=f"{program.version}-{system}-{arch}-{_recipe(program)}")


def _release(entry: Mapping[str, Any] | None, words: dict[str, str], system: str) -> Release | None:
    if entry is None or system not in entry.get("os", ("linux", "darwin")):
        return None
    url = entry["url"].format(**words)
    members = tuple(member.format(**words) for member in entry.get("members", ()))
    return Release(url, entry["checksums"].format(url=url, **words), members)


def _module(folder: Path, entry: Mapping[str, Any], words: dict[str, str]) -> GoModule:
    given = dict(entry)
    given["source"] = given["source"].format(**words)
    given["tags"] = tuple(given.get("tags", ()))
    given["ldflags"] = tuple(flag.format(**words) for flag in given.get("ldflags", ()))
    given["generate"] = tuple(given.get("generate", {}).items())
    given["embed"] = _files(entry, "embed")
    return GoModule(folder=folder, **given)


def _files(entry: Mapping[str, Any], key: str = "beside") -> tuple[ModuleFile, ...]:
    return tuple(ModuleFile(**file) for file in entry.get(key, ()))


def _recipe(program: Program) -> str:
    """Digest of what decides the outcome of a build: flags, release, the module folder's files."""
    module = program.go.module
    flags = repr((program.release, program.go.package, program.go.beside, replace(module, folder=Path())))
    texts = (f"{path.relative_to(module.folder)} {path.read_text()}" for path in module.files())
    return _digest([flags, *texts])


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:10]
