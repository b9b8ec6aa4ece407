"""What was left behind as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.recovery.finding import Trace


def show(traces: Sequence[Trace], stack: str, console: Console | None = None) -> None:
    """Print a row for each."""
    console = console or Console(highlight=False)
    console.print(f"Stack {stack}: something that was at work on it was interrupted.")
    table = Table("Left behind", "What was found, and what is done", box=box.SIMPLE_HEAD)
    for item in traces:
        text = Text(item.found)
        if item.step:
            text.append(f"\n→ {item.step}", style="bold")
        table.add_row(item.kind, text)
    console.print(table)
