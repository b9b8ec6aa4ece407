"""`python -m ops heal --stack STACK`: brings a stack's releases back to what they declare.

Objects that somebody created by hand are left alone unless --prune is given, and claims always. What is healed
stands in helm's history and in the stack's, for which the engine looks at the guards once more: that takes some
seconds. The stack's own Secrets and guardrails that were deleted are put back by the engine.
Exit code 0: all is as declared now. 2: something isn't (with --dry-run: before healing). 1: it could not be told, or
could not be healed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from components.loading import PROJECT_DIR
from ops.drift_reading.asking import (
    UNKNOWN,
    Look,
    NotAskedError,
    exceptions_of,
    exit_code,
    look,
    parser,
    reached,
    repeated,
    say,
    settings_of,
)
from ops.environment import kubeconfig_for

if TYPE_CHECKING:
    from ops.backend import Backend
    from ops.drift_reading.healing import Healed


def main(arguments: list[str]) -> int:
    """Heal, and print what was done; returns the exit code."""
    options = parser("heal", __doc__)
    options.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    options.add_argument("--prune", action="store_true", help="delete objects that somebody created by hand, too")
    chosen = options.parse_args(arguments)

    def once() -> int:
        from ops.backend import Backend
        from ops.drift_reading.by_engine import heal_by_engine
        from ops.drift_reading.healing import heal

        settings = settings_of(chosen.stack)
        backend = Backend(chosen.stack, PROJECT_DIR, kubeconfig_for(chosen.kubeconfig))
        with reached(settings, chosen.kubeconfig) as api:
            found = look(api, settings, chosen.release, backend)
            if chosen.dry_run:
                say(found, as_json=chosen.json, watched=chosen.watch is not None)
                if not chosen.json:
                    _print_plan(found, prune=chosen.prune)
                return exit_code(found.reports)
            exceptions = exceptions_of(settings)
            done = [heal(api, report, exceptions, prune=chosen.prune) for report in found.reports]
        # The engine can look at nothing of a cluster that is gone since.
        if seen := {report.release: item for report, item in zip(found.reports, done, strict=True) if item.after}:
            _note(backend, seen)
        if left := [item for report in found.reports for item in report.drifted if item.for_engine]:
            done.append(heal_by_engine(backend, left, partial(print, file=sys.stderr)))
        after = found
        if any(item.lines or item.failed for item in done):
            try:
                with reached(settings, chosen.kubeconfig) as api:
                    after = look(api, settings, chosen.release, backend)
            except NotAskedError:
                _print_done(done)
                raise
        _print(after, done, as_json=chosen.json)
        return UNKNOWN if any(item.failed for item in done) else exit_code(after.reports)

    return repeated(chosen, once)


def _note(backend: Backend, healed: Mapping[str, Healed]) -> None:
    from ops.backend import BackendError
    from ops.drift_reading.by_engine import note_in_history

    try:
        note_in_history(backend, healed)
    except BackendError as error:
        print(f"The stack's history does not say what was healed: {error}", file=sys.stderr)


def _print_plan(found: Look, *, prune: bool) -> None:
    for report in found.reports:
        for item in report.drifted:
            how = " by the engine" if item.for_engine else ""
            if item.to_heal:
                about = item.to_heal[0]
                would = f"would not heal, {item.fixed}:" if item.fixed else f"would heal{how}:"
                print(f"{would} {about.object} (namespace {about.namespace})")
            for line in (line for drift in item.to_heal for line in drift.patch()):
                print(f"  {line}")
        for drift, _ in report.foreign:
            if not drift.reason:
                print(f"would {'delete' if prune else 'leave alone'}: {drift.object} (created by {drift.manager})")


def _print_done(done: list[Healed]) -> None:
    for line in (line for item in done for line in item.lines):
        print(f"healed: {line}")
    for text in (text for item in done for text in item.failed):
        print(f"not healed: {text}", file=sys.stderr)


def _print(after: Look, done: list[Healed], *, as_json: bool) -> None:
    healed = [line for item in done for line in item.lines]
    failed = [text for item in done for text in item.failed]
    if as_json:
        print(json.dumps(after.as_json() | {"healed": healed, "failed": failed}, indent=2), flush=True)
        return
    _print_done(done)
    say(after, as_json=False, watched=False, note="")
