"""`python -m ops rollback [REVISION] --stack STACK --release NAME`: values and chart version of an earlier revision.

The engine deploys them, so that its state, helm and the cluster agree afterwards. The code stays as it is: the next
preview shows what it would change, and the next `pulumi up` goes forward to it again. Secrets, volumes and what is in
them are not touched.

Without REVISION it goes back to the last one that was ready and was made of other values or another chart version.

Exit code 0: the release is what it was in that revision. 1: the engine failed; what it says tells why. 2: refused, or
could not tell; nothing was changed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.loading import PROJECT_DIR
from components.rollback import Rollback
from ops.command import agreed, options_of_stack, print_json, settings_of_stack
from ops.environment import kubeconfig_for
from ops.tokens import PRIORITY_CLASS

if TYPE_CHECKING:
    from ops.backend import Backend, DeployedRelease, Update
    from ops.helm_records import Record

DONE, FAILED, REFUSED = 0, 1, 2
"""Exit codes."""
DEADLINE = 10
"""Seconds to read helm's records."""


class RefusedError(ValueError):
    """There is no going back to that revision; the message says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """From which revision to which."""

    release: DeployedRelease
    present: Record
    target: Record

    @property
    def changes(self) -> list[str]:
        """What it changes: the chart version, and the keys of values, without what they hold."""
        before, after = self.present.chart_version, self.target.chart_version
        chart = [] if before == after else [f"chart version ({before} → {after})"]
        return chart + list(changed_keys(self.present.values or {}, self.target.values or {}))


def main(arguments: list[str]) -> int:
    """Roll one release back; returns the exit code."""
    parser = options_of_stack("rollback", __doc__)
    parser.add_argument("revision", nargs="?", type=int, metavar="REVISION", help="helm's number of it (history)")
    parser.add_argument("--release", required=True, help="which release of the stack, such as ollama")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return REFUSED
    # Imported here: what a mistyped stack need not wait for.
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    from ops.backend import Backend, BackendError
    from ops.diagnosis.reading import UnreachableError
    from ops.preflight_checks.reading import in_short

    context, kubeconfig = settings.platform.context, options.kubeconfig
    backend = Backend(options.stack, PROJECT_DIR, kubeconfig_for(kubeconfig))
    try:
        release = find(options.release, backend.releases())
        with _records(context, kubeconfig, release) as records:
            plan = Plan(release, *choose(records, options.revision, options.stack))
        if not _agreed(plan, options.yes, quiet=options.json):
            return REFUSED
    except (RefusedError, BackendError, UnreachableError) as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return REFUSED
    except (ApiException, HTTPError, OSError) as error:
        print(f"Nothing was changed: helm's records can't be read: {in_short(error)}", file=sys.stderr)
        return REFUSED
    try:
        update = roll_back(backend, plan)
        with _records(context, kubeconfig, release) as records:
            seconds = time.monotonic() - started
            return _report(options.stack, plan, update, records, seconds, as_json=options.json)
    except BackendError as error:
        print(f"The rollback failed: {error}", file=sys.stderr)
    except (ApiException, HTTPError, OSError, UnreachableError) as error:
        print(f"The engine is done, but helm's records can't be read: {error}", file=sys.stderr)
    return FAILED


def find(name: str, releases: Sequence[DeployedRelease]) -> DeployedRelease:
    """The release of that name; raises RefusedError where the stack has none."""
    found = next((item for item in releases if item.name == name), None)
    if found is None:
        there = ", ".join(item.name for item in releases) or "none: nothing is deployed"
        raise RefusedError(f"the stack's state has no release {name!r}; its releases: {there}")
    return found


def choose(records: Sequence[Record], number: int | None, stack: str) -> tuple[Record, Record]:
    """The revision that runs now and the one to go back to; raises RefusedError where there is no way back.

    `stack` is for the command that the error names.
    """
    from ops.helm_records import current

    present = current(records)
    if present is None:
        raise RefusedError("helm has no record of the release")
    if records[-1].is_pending:
        text = f"revision {records[-1].number} is {records[-1].status}: another run is at it, or one was interrupted"
        raise RefusedError(f"{text}. If none is: python -m ops recover --stack {stack}")
    if number is None:
        return present, _last_other(records, present)
    target = next((record for record in records if record.number == number), None)
    if target is None:
        there = ", ".join(str(record.number) for record in records)
        raise RefusedError(f"there is no revision {number}; helm keeps: {there}")
    if target.number == present.number:
        raise RefusedError(f"revision {number} is the one that runs now; {_those_that_were_ready(records, present)}")
    if not target.was_ready:
        why = f" ({target.description})" if target.description else ""
        raise RefusedError(
            f"revision {number} is {target.status}: it never was ready{why}; {_those_that_were_ready(records, present)}"
        )
    if target.values is None:
        raise RefusedError(f"the record of revision {number} is packed in a way that isn't known here")
    return present, target


def roll_back(backend: Backend, plan: Plan) -> Update:
    """Let the engine deploy the plan's target in place of what the program says; raises BackendError."""
    from ops.backend import user

    target, release = plan.target, plan.release
    rollback = Rollback(backend.stack, release.name, target.number, target.chart_version, dict(target.values or {}))
    message = f"rollback of {release.name} to revision {target.number}, asked for by {user()}"
    say = lambda line: print(line, file=sys.stderr)  # noqa: E731
    # The class of the revision's priority is made anew where a later `up` took it away; its name is in no state.
    classes = f"{release.urn.rpartition('$')[0]}${PRIORITY_CLASS}::*"
    return backend.up([release.urn, *release.below, classes], message, say, rollback.environment())


def changed_keys(before: Any, after: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys at which two values differ; a list counts as one."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            below = f"{prefix}.{key}" if prefix else str(key)
            if key in before and key in after:
                yield from changed_keys(before[key], after[key], below)
            else:
                yield below
    elif before != after:
        yield prefix


def _last_other(records: Sequence[Record], present: Record) -> Record:
    for record in reversed(records):
        readable = record.number < present.number and record.was_ready and record.values is not None
        if readable and not record.same_inputs(present):
            return record
    raise RefusedError("no earlier revision that was ready was made of other values or another chart version")


def _those_that_were_ready(records: Sequence[Record], present: Record) -> str:
    others = [str(record.number) for record in records if record.was_ready and record.number != present.number]
    return f"those that were ready before: {', '.join(others)}" if others else "no other was ever ready"


@contextmanager
def _records(context: str, kubeconfig: Path | None, release: DeployedRelease) -> Iterator[list[Record]]:
    from ops.diagnosis.reading import connect
    from ops.helm_records import read_records
    from ops.preflight_checks.reading import Api, Deadline

    with connect(context, kubeconfig) as client:
        yield read_records(Api(client, Deadline.after(DEADLINE)), release.namespace, release.name)


def _agreed(plan: Plan, yes: bool, *, quiet: bool) -> bool:
    from rich.console import Console

    console = Console(highlight=False, stderr=quiet)
    name, present, target = plan.release.name, plan.present, plan.target
    when = f", of {target.deployed:%Y-%m-%d %H:%M} UTC" if target.deployed else ""
    console.print(
        f"{name}: from revision {present.number} back to {target.number} (chart {target.chart_version}{when})",
        soft_wrap=True,
    )
    for change in plan.changes:
        console.print(f"  changes {change}", markup=False, soft_wrap=True)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise RefusedError("nobody can be asked here; say --yes")
    return agreed("Roll back?")


def _report(stack: str, plan: Plan, update: Update, records: Sequence[Record], seconds: float, *, as_json: bool) -> int:
    from ops.helm_records import current

    now = current(records)
    agrees = now is not None and now.same_inputs(plan.target)
    name, target = plan.release.name, plan.target
    if as_json:
        report = {
            "release": name,
            "from": plan.present.number,
            "to": target.number,
            "revision": now.number if now else None,
            "changes": plan.changes,
            "resourcesChanged": update.changed,
            "agrees": agrees,
            "seconds": round(seconds, 1),
        }
        print_json(report)
    elif agrees and now is not None:
        done = f"is now at revision {now.number}, the same as {target.number}" if update.changed else "was so already"
        print(f"{name} {done} ({seconds:.1f} s). `pulumi up` goes forward to the code again.")
    else:
        more = f"python -m ops history --stack {stack} --release {name}"
        print(f"{name} is not what it was in revision {target.number}; what happened: {more}")
    return DONE if agrees else FAILED
