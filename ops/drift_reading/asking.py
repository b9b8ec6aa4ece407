"""What the commands `drift` and `heal` share: options, and a look at a whole stack."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings
from ops.command import options_of_stack

if TYPE_CHECKING:
    from ops.backend import Backend
    from ops.drift_reading.drifted import Drifted, Report
    from ops.drift_reading.entries import Excepted
    from ops.preflight_checks.reading import Api
    from ops.preflight_checks.rendering import Release

CLEAN, UNKNOWN, DRIFT = 0, 1, 2
"""Exit codes: as declared, could not tell, not as declared."""
OWN = "namespace, Secrets and guardrails"


class NotAskedError(RuntimeError):
    """The stack or its cluster can't be asked; the message says why."""


@dataclass(frozen=True)
class Look:
    """What a look at a stack found."""

    stack: str
    context: str
    reports: Sequence[Report]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {
            "stack": self.stack,
            "context": self.context,
            "seconds": round(self.seconds, 2),
            "releases": [
                {
                    "release": item.release,
                    "namespace": item.namespace,
                    "objects": item.objects,
                    "drift": [asdict(drift) for drift in item.drift],
                    "excepted": [asdict(drift) for drift in item.all if drift.reason],
                    "unknown": item.untold,
                }
                for item in self.reports
            ],
        }


class _Parser(argparse.ArgumentParser):
    """One whose exit code for a mistake in the command line isn't the one that stands for drift."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UNKNOWN, f"{self.prog}: error: {message}\n")


def exit_code(reports: Sequence[Report]) -> int:
    """2 where something isn't as declared, else 1 where something could not be told, else 0."""
    if any(item.drift for item in reports):
        return DRIFT
    return UNKNOWN if any(item.untold for item in reports) else CLEAN


def parser(command: str, description: str | None) -> argparse.ArgumentParser:
    """The options that both commands take."""
    options = options_of_stack(command, description, _Parser)
    options.add_argument("--release", help="only this release, such as ollama")
    text = "again and again, that long after the last time; Ctrl-C ends it"
    options.add_argument("--watch", type=_seconds, metavar="SECONDS", help=text)
    return options


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a number of seconds over 0")
    return seconds


def settings_of(stack: str) -> Settings:
    """The stack's settings; raises NotAskedError where they can't be used."""
    try:
        return Settings.of_stack(stack, PROJECT_DIR)
    except FileNotFoundError as error:
        raise NotAskedError(f"There is no stack {stack}: {error.filename} is not there.") from error
    except SettingsError as error:
        raise NotAskedError(str(error)) from error


def exceptions_of(settings: Settings) -> list[Excepted]:
    """The exceptions of a stack file."""
    from ops.drift_reading.entries import Excepted

    return [Excepted(item.object, item.field, item.reason) for item in settings.platform.drift.except_]


@contextmanager
def reached(settings: Settings, kubeconfig: Path | None) -> Iterator[Api]:
    """The stack's cluster; raises NotAskedError where it can't be asked."""
    # Imported here: the client takes 0.4 s, which a mistyped stack need not wait for.
    from ops.diagnosis.reading import UnreachableError, connect
    from ops.drift_reading.reading import WITHIN
    from ops.preflight_checks.reading import Api, Deadline

    try:
        with connect(settings.platform.context, kubeconfig) as client:
            yield Api(client, Deadline.after(WITHIN))
    except UnreachableError as error:
        raise NotAskedError(f"Could not tell: {error}") from error


def look(api: Api, settings: Settings, release: str | None, backend: Backend) -> Look:
    """How the stack's releases, namespaces, Secrets and guardrails differ from what was deployed."""
    from ops.drift_reading.reading import read_release
    from ops.preflight_checks.rendering import releases_of

    started = time.monotonic()
    exceptions = exceptions_of(settings)
    releases = releases_of(settings)
    wanted = [item for item in releases if release in (None, item.name)]
    if not wanted:
        names = ", ".join(item.name for item in releases)
        raise NotAskedError(f"The stack {settings.platform.stack} has no release {release}; it has {names}.")
    with ThreadPoolExecutor() as threads:
        state = threads.submit(backend.resources)
        found = [read_release(api, item.name, item.namespace, exceptions) for item in wanted]
    reports = [_with_native(api, settings, item, report, state) for item, report in zip(wanted, found, strict=True)]
    return Look(settings.platform.stack, settings.platform.context, reports, time.monotonic() - started)


def _with_native(
    api: Api, settings: Settings, release: Release, report: Report, state: Future[list[Mapping[str, Any]]]
) -> Report:
    """The report, with what was deployed beside the release."""
    from components.librechat import secret_keys
    from components.replicas import Shared
    from ops.backend import BackendError
    from ops.diagnosis.words import shortened
    from ops.drift_reading.deployed import deployed_beside
    from ops.drift_reading.entries import object_name
    from ops.drift_reading.native import declared_natively, read_native

    librechat = settings.librechat
    keys = secret_keys(release.name, librechat, Shared.of(release.values)) if librechat else {}
    program = declared_natively(release, keys)
    own = set(program)
    drifted: list[Drifted] = []
    try:
        deployed = deployed_beside(release.name, state.result(), program)
        drifted, unknown = read_native(api, release, deployed, program, exceptions_of(settings))
        if deployed:
            own = {object_name(item.manifest) for item in deployed}
        elif report.installed:
            unknown = [f"{OWN}: the stack's state holds none of it"]
    except BackendError as error:
        unknown = [f"{OWN}: the stack's state can't be read: {shortened(str(error))}"]
    # Somebody may have put another object in the place of the stack's own, which the release doesn't know of.
    foreign = [(drift, path) for drift, path in report.foreign if drift.object not in own]
    drifted, unknown = [*drifted, *report.drifted], [*unknown, *report.unknown]
    return replace(report, drifted=drifted, foreign=foreign, unknown=unknown)


def repeated(options: argparse.Namespace, once: Callable[[], int]) -> int:
    """Do it once, or with --watch until the user ends it; returns the last exit code."""
    code = UNKNOWN
    try:
        while True:
            code = _tried(once)
            if options.watch is None:
                return code
            time.sleep(options.watch)
    except KeyboardInterrupt:
        return code


def say(look_: Look, *, as_json: bool, watched: bool, note: str = ", nothing was changed") -> None:
    """Print what was found, as a table or as JSON."""
    if as_json:
        print(json.dumps(look_.as_json(), indent=None if watched else 2), flush=True)
    else:
        from ops.drift_reading.table import show

        show(look_, note)


def _tried(once: Callable[[], int]) -> int:
    try:
        return once()
    except NotAskedError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
