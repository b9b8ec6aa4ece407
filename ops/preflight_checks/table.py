"""The findings as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.preflight_checks.findings import Finding, Result

STYLES = {Result.OK: "green", Result.FAILED: "bold red", Result.UNKNOWN: "yellow", Result.OFF: "dim"}


def show(findings: Sequence[Finding], stack: str, seconds: float, console: Console | None = None) -> None:
    """Print a row for each finding, and one line that counts them."""
    console = console or Console(highlight=False)
    table = Table("Check", "Release", "Result", "What was found, and what to do", box=box.SIMPLE_HEAD)
    for item in findings:
        text = Text(item.text)
        if item.cure and item.result is not Result.OK:
            text.append(f"\n→ {item.cure}", style="bold")
        table.add_row(item.check, item.release or "-", Text(item.result, style=STYLES[item.result]), text)
    console.print(table)
    counted = [(result, sum(item.result is result for item in findings)) for result in Result]
    told = ", ".join(f"{number} {result}" for result, number in counted if number)
    console.print(f"Stack {stack}: {told} ({seconds:.1f} s, nothing was changed)", soft_wrap=True)
