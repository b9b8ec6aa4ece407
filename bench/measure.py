"""Clocks and scales: first `up` and state of both programs, then no-change previews of both in turn."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.prepare import STACK, STACK_FILE, prepare
from local import cluster
from local.engine import PROJECT, Engine

Say = Callable[[str], None]


@dataclass(frozen=True)
class Figures:
    """Every single measurement of one program at one size, in the order in which they were taken."""

    preview: list[float] = field(default_factory=list)
    """Seconds of `pulumi preview` where nothing changes."""
    up: list[float] = field(default_factory=list)
    """Seconds of the first `pulumi up --skip-preview`, each on a cluster of its own."""
    state: list[int] = field(default_factory=list)
    """Bytes of the checkpoint after it."""


@dataclass(frozen=True)
class Measurement:
    """Both programs at one size."""

    releases: int
    resources: Counter[str]
    """How many of each type each of the two programs registers."""
    load: float
    """The machine's load (1 minute) before: other people's work, which the figures suffer from."""
    ours: Figures = field(default_factory=Figures)
    bare: Figures = field(default_factory=Figures)

    @property
    def preview_ratio(self) -> float:
        """Our no-change preview over the bare one, median over median."""
        return statistics.median(self.ours.preview) / statistics.median(self.bare.preview)


def measure(releases: int, folder: Path, *, previews: int, ups: int, say: Say) -> Measurement:
    """Measure both programs with this number of releases; everything made lives below `folder` and is gone after.

    The two take turns, so that whatever else the machine does hits both. Raises BenchError where they would not deploy
    the same, EngineError where a run fails or a preview does find a change, ControlPlaneError without a cluster.
    """
    load = os.getloadavg()[0]
    programs = prepare(folder / "programs", releases)
    measured = Measurement(releases, programs.resources, load)
    turns = (("ours", programs.ours, measured.ours), ("bare", programs.bare, measured.bare))
    for number in range(1, ups + 1):
        for name, program, figures in turns:
            with _throw_away_engine(folder / "cluster", program) as engine:
                figures.up.append(_seconds(engine, "up", "--yes", "--skip-preview"))
                figures.state.append(_checkpoint(engine).stat().st_size)
                say(f"{releases} releases, up {number}/{ups}, {name}: {figures.up[-1]:.2f} s")
                if program == programs.bare and number == ups:
                    # What one program deployed is no change to the other either: both preview the very same state.
                    _preview_in_turn(engine, turns, previews, lambda line: say(f"{releases} releases, {line}"))
    return measured


def _preview_in_turn(engine: Engine, turns: tuple[tuple[str, Path, Figures], ...], previews: int, say: Say) -> None:
    for number in range(previews + 1):
        for name, program, figures in turns:
            seconds = _seconds(replace(engine, project_dir=program), "preview", "--expect-no-changes")
            if number:  # The first one warms the caches of disk and bytecode.
                figures.preview.append(seconds)
                say(f"preview {number}/{previews}, {name}: {seconds:.2f} s")


def _seconds(engine: Engine, command: str, *arguments: str) -> float:
    began = time.monotonic()
    engine.run(command, STACK, *arguments)
    return time.monotonic() - began


def _checkpoint(engine: Engine) -> Path:
    return engine.state_dir / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json"


@contextmanager
def _throw_away_engine(folder: Path, project_dir: Path) -> Iterator[Engine]:
    """A new cluster and an empty backend; both are gone afterwards."""
    try:
        running = cluster.start(folder, say=lambda _: None)
        engine = Engine(folder / "engine", running.kubeconfig, project_dir)
        engine.prepare(STACK, {"kubernetes:context": running.context}, source=STACK_FILE)
        yield engine
    finally:
        cluster.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
