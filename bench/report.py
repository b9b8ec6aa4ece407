"""What was measured, for eyes (a table), for programs (JSON), and for CI (is ours too slow?)."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from bench.measure import Figures, Measurement


def too_slow(measurements: Sequence[Measurement], limit: float) -> list[str]:
    """A line for each size at which our no-change preview costs more than `limit` times the bare one."""
    return [
        f"{measured.releases} releases: a no-change preview of ours costs {measured.preview_ratio:.2f} times the bare "
        f"one; allowed: {limit:.2f}"
        for measured in measurements
        if measured.preview_ratio > limit
    ]


def table(measurements: Sequence[Measurement]) -> Table:
    """Medians, and how many runs they are made of; fits a terminal of 80 columns."""
    previews, ups = len(measurements[0].ours.preview), len(measurements[0].ours.up)
    shown = Table("Releases", "Resources", "Program", title=f"Medians of {previews} previews and {ups} first ups")
    for heading in ("Preview,\nno change", "Ours/bare", "First up", "State"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for measured in measurements:
        for name, figures in (("ours", measured.ours), ("bare", measured.bare)):
            shown.add_row(
                str(measured.releases),
                str(measured.resources.total()),
                name,
                f"{statistics.median(figures.preview):.2f} s",
                f"{measured.preview_ratio:.2f}" if figures is measured.ours else "",
                f"{statistics.median(figures.up):.1f} s",
                f"{statistics.median(figures.state) / 1000:.0f} KB",
                end_section=figures is measured.bare,
            )
    return shown


def document(measurements: Sequence[Measurement], limit: float) -> dict[str, Any]:
    """The same for JSON, with every single run: times in seconds, state in bytes."""
    return {
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()},
        "limit": limit,
        "sizes": [
            {
                "releases": measured.releases,
                "resources": dict(measured.resources),
                "load": measured.load,
                "previewRatio": round(measured.preview_ratio, 3),
                "ours": _figures(measured.ours),
                "bare": _figures(measured.bare),
            }
            for measured in measurements
        ],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    runs: dict[str, Sequence[float]] = {
        "previewSeconds": figures.preview,
        "firstUpSeconds": figures.up,
        "stateBytes": figures.state,
    }
    return {
        name: {"median": round(statistics.median(all_runs), 3), "runs": [round(run, 3) for run in all_runs]}
        for name, all_runs in runs.items()
    }
