"""Decides where each program comes from, gets it, checks it and puts it in place."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Never
from urllib.parse import urlsplit

from toolchain import download, gobuild
from toolchain.programs import Program, Release
from toolchain.store import Store

CHECK_SECONDS = 60
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InstallError(Exception):
    """A program can't be installed: what is missing or wrong, and what to do."""


class CheckError(Exception):
    """A program that was downloaded or built is not what it should be: what it said."""


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP; no `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        """The signal's number."""
        self.number = number


@dataclass(frozen=True)
class Plan:
    """Where a program may come from, in this order: its releases at sites that answer, then a build by `go`."""

    program: Program
    releases: tuple[Release, ...]
    go: gobuild.Go | None


def run(store: Store, programs: Sequence[Program], groups: Collection[str]) -> int:
    """Installs the programs of some groups, and links them into the folder for PATH; returns an exit code."""
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it ignored
            signal.signal(number, _stop)
    try:
        wanted = [program for program in programs if program.group in groups]
        for program in wanted:
            if store.has(program):
                _say(program, "already there")
        _install([program for program in wanted if not store.has(program)], store)
        print(f"toolchain: {len(wanted)} programs in {store.link(wanted, programs)}")
        return 0
    except (InstallError, CheckError, download.ChecksumError, gobuild.BuildError) as error:
        print(f"\ntoolchain: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        hint = f"Programs go into {store.root}; TOOLCHAIN_DIR names another folder."
        print(f"\ntoolchain: {error}\n  {hint}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print("\ntoolchain: stopped. What is finished stays; run it again to go on.", file=sys.stderr)
        return 128 + stopped.number


def _install(missing: Sequence[Program], store: Store) -> None:
    if not missing:
        return
    store.root.mkdir(parents=True, exist_ok=True)
    plans = _plans(missing)
    with download.Downloads(store.root, _detail) as downloads:
        for plan in plans:
            with store.lock(plan.program, partial(_say, plan.program)) as lock:
                if store.has(plan.program):
                    _say(plan.program, "installed by another run meanwhile")
                else:
                    _obtain(plan, store, downloads, lock)


def _plans(missing: Sequence[Program]) -> list[Plan]:
    """One plan per program; raises InstallError naming all programs that can come from nowhere, before any work."""
    mirrors = [mirror for mirror in download.mirrors() if mirror != "off"]
    at = {p.name: [download.at_mirror(p.release, mirror) for mirror in mirrors] if p.release else [] for p in missing}
    asked = {release for releases in at.values() for release in releases}
    answering = download.answering(asked)
    if silent := sorted({urlsplit(release.url).netloc for release in asked - answering}):
        print(f"no answer within {download.PROBE_SECONDS} s for releases at {', '.join(silent)}", flush=True)
    go = gobuild.Go.of_machine()
    plans, lacking = [], []
    for program in missing:
        lack = go.lacks(program.go.module) if go else "Go"
        releases = tuple(release for release in at[program.name] if release in answering)
        plans.append(Plan(program, releases, None if lack else go))
        if lack and not releases:
            tried = [f"an answer from {release.url}" for release in at[program.name]]
            lacking.append(f"{program}: " + ", or ".join([lack, *tried]))
    if lacking:
        raise InstallError(
            "\n  ".join(["these programs can't be had here; they need", *lacking])
            + "\nPut a Go that is new enough on PATH, or set TOOLCHAIN_MIRROR to a mirror of the releases that this"
            "\nmachine reaches (toolchain/download.py says what it must look like)."
        )
    return plans


def _obtain(plan: Plan, store: Store, downloads: download.Downloads, lock: int) -> None:
    """Tries a program's sources in order, and puts it in place from the first whose program passes the check."""
    program, started, reasons = plan.program, time.monotonic(), []
    for release in plan.releases:
        _say(program, f"downloading {release.url}")
        try:
            with _placing(program, store) as (_, out):
                downloads.unpack(release, program.name, out)
        except (download.UnavailableError, CheckError) as reason:
            _detail(f"can't be used: {reason}")
            reasons.append(str(reason))
        else:
            _say(program, f"official release, {time.monotonic() - started:.0f} s")
            return
    if plan.go is None:
        raise InstallError("\n  ".join([f"{program} can't be had: no Go to build it with, and", *reasons]))
    _say(program, f"building {program.go.module.source} (cold: {program.go.seconds} s on 2 cores)")
    with _placing(program, store) as (scratch, out):
        gobuild.Build(plan.go, program, scratch, lock, _detail).run(out)
    _say(program, f"built from Go modules, {time.monotonic() - started:.0f} s")


@contextmanager
def _placing(program: Program, store: Store) -> Iterator[tuple[Path, Path]]:
    """A scratch folder, and in it the folder to fill; that becomes the program's folder if the program proves right."""
    with store.staging(program) as scratch:
        out = scratch / "out"
        out.mkdir()
        yield scratch, out
        _check(program, out, scratch)
        store.place(program, out)


def _check(program: Program, files: Path, home: Path) -> None:
    """Runs a program that isn't in place yet; raises CheckError unless it is the program and version it should be."""
    # Pulumi writes logs into its home and asks for newer versions on the network.
    environment = os.environ | {"HOME": str(home), "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    command = [str(files / program.name), *program.check]
    shown = " ".join([program.name, *program.check])
    try:
        answer = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=CHECK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckError(f"{program} does not run: {error}") from error
    if not re.search(program.expect, answer.stdout):
        told = answer.stdout.strip()[-300:] or f"nothing, exit code {answer.returncode}"
        raise CheckError(f"not {program}: `{shown}` says {told!r}; expected was {program.expect!r}")


def _say(program: Program, text: str) -> None:
    print(f"{program!s:36} {text}", flush=True)


def _detail(text: str) -> None:
    print(f"{'':36} … {text}", flush=True)


def _stop(number: int, _frame: FrameType | None) -> Never:
    for other in STOPPING:  # what is left to do is short: ending the build, removing its scratch folder
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)
