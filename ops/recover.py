"""`python -m ops recover --stack STACK`: mends what a killed `pulumi up` leaves behind.

That is: orphaned providers, a stale lock, releases that helm takes for being worked on, operations that the engine
takes for pending, a state file, or Pulumi's note beside it, that is cut off. It says what it found and what it will do,
then asks. Volume claims and generated keys are never deleted.

Exit code 0: nothing was left behind, or it is mended. 1: something is left behind: it was only looked at, somebody is
at work on the stack, or a step failed. 2: could not tell.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from components.loading import PROJECT_DIR, Settings
from ops.command import agreed, options_of_stack, settings_of_stack

if TYPE_CHECKING:
    from ops.recovery.finding import Found, Trace
    from ops.recovery.place import Place
    from ops.recovery.records import ReleaseName

OK, LEFT, UNKNOWN = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Look, say, ask, mend; returns the exit code."""
    options = options_of(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    place, releases = place_of(settings, options)
    return run(place, releases, options, of=f" STACK={options.stack}")


def options_of(arguments: list[str]) -> Namespace:
    """The options of the command line."""
    parser = options_of_stack("recover", __doc__)
    parser.add_argument("--yes", action="store_true", help="mend without asking")
    parser.add_argument("--check", action="store_true", help="only a quick look, as before every `make up`")
    parser.add_argument(
        "--break-lock", action="store_true", help="take off a lock even if nobody can tell whether its holder lives"
    )
    return parser.parse_args(arguments)


def place_of(settings: Settings, options: Namespace) -> tuple[Place, list[ReleaseName]]:
    """Where the stack is, and its releases."""
    from ops.recovery.place import Place
    from ops.recovery.records import ReleaseName

    releases = [ReleaseName(name, namespace) for name, namespace in settings.platform.namespaces.items()]
    return Place.of(settings.platform, options.kubeconfig, PROJECT_DIR), releases


def run(place: Place, releases: Sequence[ReleaseName], options: Namespace, *, of: str = "") -> int:
    """What the command does, once the place is known; returns the exit code.

    `of` is what the make targets that it names need besides their names, such as ` STACK=prod`.
    """
    # Imported here: a mistyped stack need not wait for them.
    from ops.diagnosis.reading import UnreachableError
    from ops.recovery.finding import MendingError, glance, look

    try:
        if options.check:
            traces = glance(place, releases)
            if traces and not options.json:
                print(f"An `up` would fail on this, or not notice. Mend it first: make recover{of}", file=sys.stderr)
            return _report(traces, options, place.stack)
        before = _whole(place, releases, options)
        if before is None:
            return LEFT
        found = look(place, releases, older=any(item.kind == "state" for item in before))
    except (UnreachableError, MendingError) as error:
        print(f"Could not tell: {error}", file=sys.stderr)
        return UNKNOWN
    traces = found.traces(break_lock=options.break_lock)
    if traces or not before or options.json:
        code = _report([*before, *traces] if options.json else traces, options, place.stack)
        if not traces:
            return OK
        if not _is_wanted(found, options, begun=bool(before)):
            return code
    code = _mend(place, releases, found, options) if traces else OK
    if code == OK and not options.json:
        print(f"Mended. Now: make up{of}")
    return code


def _whole(place: Place, releases: Sequence[ReleaseName], options: Namespace) -> list[Trace] | None:
    """Make the state readable again: broken notes go, a whole copy takes the place of a broken state file.

    Returns what was wrong with it, None where it still is.
    """
    from ops.recovery.checkpoint import broken_state, put_back
    from ops.recovery.finding import Found, Trace, holds_secrets
    from ops.recovery.locks import locks_of
    from ops.recovery.notes import STEP, broken_notes, told

    notes, broken = broken_notes(place), broken_state(place)
    if broken and broken.copy and not broken.copy.has_keys and holds_secrets(place, releases):
        broken = replace(broken, copy=None)
    traces = [Trace("note", told(notes), STEP)] if notes else []
    traces += [Trace("state", broken.text, broken.step)] if broken else []
    if not traces:
        return []
    hopeless = broken is not None and broken.copy is None
    if not (options.json and options.yes and not hopeless):
        _report(traces, options, place.stack)
    if hopeless or not _is_wanted(Found(locks=locks_of(place)), options):
        return None
    try:
        for note in notes:
            note.unlink(missing_ok=True)
        kept = put_back(broken, broken.copy) if broken and broken.copy else None
    except OSError as error:
        print(f"Not mended: the stack's files can't be changed: {error}", file=sys.stderr)
        return None
    if not options.json:
        for note in notes:
            print(f"  {note} taken off", flush=True)
        if broken and broken.copy:
            print(f"  {broken.copy.file} put in the place of {broken.file}, which is kept as {kept}", flush=True)
    return traces


def _mend(place: Place, releases: Sequence[ReleaseName], found: Found, options: Namespace) -> int:
    from ops.diagnosis.reading import UnreachableError
    from ops.recovery.finding import MendingError
    from ops.recovery.mending import mend

    def say(text: str) -> None:
        if not options.json:
            print(f"  {text}", flush=True)

    try:
        mend(place, found, releases, break_lock=options.break_lock, say=say)
    except (UnreachableError, MendingError) as error:
        print(
            f"Not mended: {error}\nWhat was mended before this stays so. Run it again when that is put right.",
            file=sys.stderr,
        )
        return LEFT
    return OK


def _is_wanted(found: Found, options: Namespace, *, begun: bool = False) -> bool:
    """Whether to mend, or go on where it was `begun`: not while somebody else is at work, and not unasked."""
    otherwise = "Nothing more was changed" if begun else "Nothing was changed"
    if held := found.held(break_lock=options.break_lock):
        print(f"{otherwise}: the stack is locked by {held[0].text}", file=sys.stderr)
        return False
    if options.yes:
        return True
    if options.json or not sys.stdin.isatty():
        print(f"{otherwise}. To mend it without being asked: --yes", file=sys.stderr)
        return False
    return agreed("Mend it?", otherwise)


def _report(traces: Sequence[Trace], options: Namespace, stack: str) -> int:
    if options.json:
        print(json.dumps({"stack": stack, "found": [asdict(item) for item in traces]}, indent=2))
    elif traces:
        from ops.recovery.table import show

        show(traces, stack)
    elif not options.check:
        print(f"Stack {stack}: nothing was left behind, there is nothing to mend.")
    return LEFT if traces else OK
