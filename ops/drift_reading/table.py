"""Drift as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.drift_reading.entries import Drift

if TYPE_CHECKING:
    from ops.drift_reading.asking import Look

WHAT = {"foreign": "created by hand", "pending": "helm left it", "immutable": "can't be changed in place"}


def show(look: Look, note: str, console: Console | None = None) -> None:
    """Print a row for each drift, what could not be told, and one line that counts them, with `note` at its end."""
    console = console or Console(highlight=False)
    found = [drift for report in look.reports for drift in report.all]
    if found:
        console.print(_table(found))
    for report in look.reports:
        for text in report.untold:
            console.print(f"Could not tell ({report.release}): {text}", style="yellow", soft_wrap=True, markup=False)
    drifted = sum(not drift.reason for drift in found)
    objects = sum(report.objects for report in look.reports)
    excepted = f", {len(found) - drifted} excepted" if drifted < len(found) else ""
    console.print(
        f"Stack {look.stack}: {drifted or 'no'} drift in {objects} objects{excepted} ({look.seconds:.1f} s{note})",
        soft_wrap=True,
    )


def _table(found: Sequence[Drift]) -> Table:
    table = Table("Object and field", "Declared", "Live", "Who and when", box=box.SIMPLE_HEAD)
    for drift in found:
        whole = WHAT.get(drift.change, "")
        live = " ".join(filter(None, (whole, drift.live))) or drift.change
        row = (
            "\n".join(filter(None, (drift.object, drift.field))),
            drift.declared or ("not there" if drift.change in ("added", "foreign") else "-"),
            live,
            "\n".join(filter(None, (drift.manager, drift.since, drift.reason and f"excepted: {drift.reason}"))),
        )
        table.add_row(*(Text(cell, style="dim" if drift.reason else "", overflow="fold") for cell in row))
    return table
