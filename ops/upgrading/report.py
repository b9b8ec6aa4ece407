"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from ops.upgrading.checking import Report
from ops.upgrading.comparing import Change

NONE = "-"


def show(report: Report, stack: str, console: Console | None = None) -> None:
    """Print what would change, and last what has to be done first."""
    console = console or Console(highlight=False)
    on = (
        f"Kubernetes {report.kubernetes}" if report.kubernetes else "helm's own Kubernetes (the cluster did not answer)"
    )
    console.print(f"{report.chart} {report.before} → {report.after} in stack {stack}, for {on}", soft_wrap=True)
    if report.comparison is not None:
        found = report.comparison
        _table(console, "Fields", found.changed)
        _table(console, "Images", found.images)
        for line in _lines(report):
            console.print(line, soft_wrap=True, markup=False)
    if report.first:
        console.print("\n[bold red]To be done first[/]")
        for text in report.first:
            console.print(f"  {text}", soft_wrap=True, markup=False)
    else:
        line = f"private-chatgpt:{report.chart}.chart.version: {report.after}"
        console.print(f"\nNothing stands in the way. The upgrade: {line}, then pulumi up", soft_wrap=True)


def _table(console: Console, title: str, changes: Sequence[Change]) -> None:
    if changes:
        table = Table("Object", "Field", "Now", "Then", box=box.SIMPLE_HEAD, title=title, title_justify="left")
        for change in changes:
            table.add_row(*(text or NONE for text in (change.object, change.field, change.before, change.after)))
        console.print(table, markup=False)


def _lines(report: Report) -> Iterator[str]:
    found = report.comparison
    if found is None:
        return
    for what, objects in (
        ("Objects added", found.added),
        ("Objects removed", found.removed),
        ("Claims added", found.claims_added),
        ("Claims removed", found.claims_removed),
        ("Pods made anew", found.restarts),
        ("Value keys gone", report.keys_gone),
        ("Value keys new", report.keys_new),
    ):
        yield f"{what + ':':17} {'not known' if objects is None else ', '.join(objects) or 'none'}"
    yield f"{'Version labels:':17} changed in {found.relabelled} objects"
