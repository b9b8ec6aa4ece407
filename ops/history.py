"""`python -m ops history --stack STACK`: what happened to each release, newest first.

One timeline per release, out of the stack's history (when, commit, who, message, CI run) and helm's revisions. A
backend without accounts knows the author of the commit, not who ran Pulumi. A run that was killed leaves no trace in
the stack's history, and helm keeps the last ten revisions only.

Exit code 0: both could be read. 2: one of them could not, or the stack's settings can't be used; what could be read is
shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.loading import PROJECT_DIR, Settings
from ops.command import options_of_stack, print_json, settings_of_stack

if TYPE_CHECKING:
    from rich.console import Console

    from ops.backend import Update
    from ops.timeline import Entry

OK, UNKNOWN = 0, 2
"""Exit codes."""
DEADLINE = 10
"""Seconds to read helm's records of all releases."""
SHORT = 8
"""Characters of a commit that are shown."""


def main(arguments: list[str]) -> int:
    """Print the timelines; returns the exit code."""
    parser = options_of_stack("history", __doc__)
    parser.add_argument("--release", help="only this release")
    options = parser.parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    timelines, unreadable = read(settings, PROJECT_DIR, options.kubeconfig)
    if options.release and options.release not in timelines:
        print(f"The stack has no release {options.release!r}; its releases: {', '.join(timelines)}", file=sys.stderr)
        return UNKNOWN
    shown = {name: found for name, found in timelines.items() if options.release in (None, name)}
    if options.json:
        releases = {name: list(map(as_json, found)) for name, found in shown.items()}
        print_json({"stack": options.stack, "releases": releases, "unreadable": unreadable})
    else:
        for name, found in shown.items():
            show(name, found)
    for what, why in unreadable.items():
        print(f"Could not tell: {what}: {why}", file=sys.stderr)
    return UNKNOWN if unreadable else OK


def read(
    settings: Settings, project_dir: Path, kubeconfig: Path | None
) -> tuple[dict[str, list[Entry]], dict[str, str]]:
    """The timelines by release, and what could not be read with the reason."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    from ops.backend import Backend, BackendError
    from ops.diagnosis.reading import UnreachableError, connect
    from ops.helm_records import Record, read_records
    from ops.preflight_checks.reading import Api, Deadline, in_short
    from ops.timeline import timeline

    unreadable: dict[str, str] = {}
    backend = Backend(settings.platform.stack, project_dir)
    updates: list[Update] = []
    namespaces = dict(settings.platform.namespaces)
    try:
        updates = backend.history()
        namespaces |= {release.name: release.namespace for release in backend.releases()}
    except BackendError as error:
        unreadable["stack history"] = str(error)
    records: dict[str, list[Record]] = {name: [] for name in namespaces}
    try:
        with connect(settings.platform.context, kubeconfig) as client:
            api = Api(client, Deadline.after(DEADLINE))
            for name, namespace in namespaces.items():
                records[name] = read_records(api, namespace, name)
    except UnreachableError as error:
        unreadable["helm revisions"] = str(error)
    except (ApiException, HTTPError, OSError) as error:
        unreadable["helm revisions"] = in_short(error)
    return {name: timeline(found, updates) for name, found in records.items()}, unreadable


def as_json(entry: Entry) -> dict[str, Any]:
    """What a program reads: all that is known of an entry, but the values."""
    revision = asdict(entry.revision) if entry.revision else None
    if revision:
        revision["revision"] = revision.pop("number")
        revision.pop("values")
    return {"when": entry.when.isoformat(), "helm": revision, "update": asdict(entry.update) if entry.update else None}


def show(release: str, entries: Sequence[Entry], console: Console | None = None) -> None:
    """Print a release's timeline; updates that changed nothing are left out."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = console or Console(highlight=False)
    table = Table(title=f"Release {release}", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("When (UTC)", "Revision", "Chart", "Status", "Update", "Who", "Commit"):
        table.add_column(column, no_wrap=column.startswith("When"))
    for entry in entries:
        if entry.revision is None and entry.update and entry.update.result == "succeeded" and not entry.update.changed:
            continue
        table.add_row(*map(Text, cells(entry)))
    console.print(table)


def cells(entry: Entry) -> tuple[str, ...]:
    """An entry in the words of the table."""
    revision, update = entry.revision, entry.update
    chart = revision.versions if revision else ""
    status = ": ".join(filter(None, (revision.status, revision.description))) if revision else "made no revision of it"
    told = "not in the stack's history"
    who = commit = ""
    if update:
        result = "" if update.result == "succeeded" else f" {update.result}"
        told = ": ".join(filter(None, (f"{update.kind}{result}", update.message)))
        who, commit = update.who, update.commit[:SHORT] + ("*" if update.dirty else "")
    number = str(revision.number) if revision else ""
    return f"{entry.when:%Y-%m-%d %H:%M:%S}", number, chart, status, told, who, commit
