"""What guards cost a preview that has nothing to do with drift."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.cluster import LocalCluster
from tests.engine.stacks import Stack, beside, stack_on

pytestmark = pytest.mark.alone

PAIRS, MOST_PAIRS = 4, 12
ALLOWED = 0.3
"""Seconds (issue: a plain preview becomes at most that much slower)."""


def seconds(stack: Stack) -> float:
    began = time.monotonic()
    stack.run("preview", "--expect-no-changes")
    return time.monotonic() - began


def difference(runs: Sequence[tuple[float, float]]) -> float:
    """Between the quickest of each: what else the machine does only ever adds."""
    return min(on for on, _ in runs) - min(off for _, off in runs)


def test_a_plain_preview_is_at_most_three_tenths_of_a_second_slower(cluster: LocalCluster, tmp_path: Path) -> None:
    without = beside("unguarded") | {"drift.guard": False}
    with (
        stack_on(cluster, tmp_path / "on", settings=beside("costly")) as guarded,
        stack_on(cluster, tmp_path / "off", settings=without) as unguarded,
    ):
        for stack in (guarded, unguarded):
            stack.up()
            seconds(stack)  # The first one warms caches.
        runs = [(seconds(guarded), seconds(unguarded)) for _ in range(PAIRS)]
        while difference(runs) > ALLOWED and len(runs) < MOST_PAIRS:
            runs.append((seconds(guarded), seconds(unguarded)))
        for stack in (guarded, unguarded):
            stack.run("destroy", "--yes", "--skip-preview")
    print(f"guards cost a preview {difference(runs):.2f} s; with and without them: {runs}")
    assert difference(runs) <= ALLOWED
