"""`python -m bench.teams`: what one team more costs, where many share a cluster.

A stack for each team, with namespaces of its own and the settings of dev, all on one local cluster (real control plane,
SIMULATED nodes): seconds of each first `up`, and bytes of its state; when all are there, seconds of a no-change preview
of the first teams and of the last, in turn. Fails where the last teams cost more than --limit times as much time as the
first, or noticeably more state.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components import stack_file
from local import cluster
from local.contents import add_node, connect
from local.control_plane import ControlPlaneError
from local.engine import PROJECT, Engine, EngineError
from local.up import STAND_INS

TEAMS, GROUP = 50, 5
LIMIT, STATE_LIMIT = 1.5, 1.02
"""Allowed growth of seconds, which suffer from other people's work, and of bytes, which don't."""
TEAMS_PER_NODE = 8
Say = Callable[[str], None]


@dataclass(frozen=True)
class Team:
    """What one team's stack cost."""

    name: str
    up: float
    """Seconds of the first `pulumi up --skip-preview`."""
    state: int
    """Bytes of its checkpoint."""
    load: float
    """The machine's load (1 minute) before: other people's work, which the seconds suffer from."""
    preview: float | None = None
    """Seconds of `pulumi preview --expect-no-changes` beside all teams; None where it wasn't measured."""


@dataclass(frozen=True)
class Growth:
    """Medians of the first and of the last teams."""

    first: float
    last: float

    @property
    def ratio(self) -> float:
        """What a late team costs, in early ones."""
        return self.last / self.first


def growth(teams: Sequence[Team], group: int) -> dict[str, Growth]:
    """By what was measured: `up`, `preview`, `state`."""

    def median(part: str, some: Sequence[Team]) -> float:
        return float(statistics.median(getattr(team, part) for team in some))  # None fails here, as it should.

    return {
        part: Growth(median(part, teams[:group]), median(part, teams[-group:])) for part in ("up", "preview", "state")
    }


def not_flat(found: Mapping[str, Growth], limit: float) -> list[str]:
    """A line for each figure that grows with the number of teams."""
    limits = {"up": limit, "preview": limit, "state": STATE_LIMIT}
    return [
        f"{part}: the last teams cost {found[part].ratio:.2f} times what the first did; allowed: {allowed:.2f}"
        for part, allowed in limits.items()
        if found[part].ratio > allowed
    ]


def measure(count: int, group: int, folder: Path, say: Say) -> list[Team]:
    """Deploy that many teams one after another, preview the first and last `group`; all is gone afterwards.

    Raises EngineError where a run fails or a preview finds a change, ControlPlaneError without a cluster.
    """
    teams: list[Team] = []
    with _engine(folder, count) as (engine, context):
        for number in range(1, count + 1):
            teams.append(_deploy(engine, context, f"team-{number:03}"))
            say(f"{teams[-1].name}: up {teams[-1].up:.1f} s, {teams[-1].state / 1000:.0f} KB")
        # In turn, so that whatever else the machine does hits both.
        for pair in zip(range(group), range(count - group, count), strict=True):
            for index in pair:
                seconds = _seconds(engine, teams[index].name, "preview", "--expect-no-changes")
                teams[index] = replace(teams[index], preview=seconds)
                say(f"{teams[index].name}: preview {seconds:.1f} s")
    return teams


def _deploy(engine: Engine, context: str, name: str) -> Team:
    source = engine.project_dir / "Pulumi.dev.yaml"
    settings, _ = stack_file.read(source)
    for app in ("ollama", "librechat"):
        settings[f"{PROJECT}:{app}"]["namespace"] = f"{name}-{app}"
    settings |= {"kubernetes:context": context, f"{PROJECT}:charts": STAND_INS}
    engine.prepare(name, settings, source=source)
    load = os.getloadavg()[0]
    up = _seconds(engine, name, "up", "--yes", "--skip-preview")
    state = engine.state_dir / ".pulumi" / "stacks" / PROJECT / f"{name}.json"
    return Team(name, up, state.stat().st_size, load)


def _seconds(engine: Engine, stack: str, command: str, *arguments: str) -> float:
    began = time.monotonic()
    engine.run(command, stack, *arguments)
    return time.monotonic() - began


@contextmanager
def _engine(folder: Path, teams: int) -> Iterator[tuple[Engine, str]]:
    """A new cluster with nodes enough, and an empty backend."""
    try:
        running = cluster.start(folder / "cluster", gpu=False, say=lambda _: None)
        with connect(running.kubeconfig) as api:
            for number in range(-(-teams // TEAMS_PER_NODE)):
                add_node(api, f"worker-{number}")
        yield Engine(folder / "engine", running.kubeconfig), running.context
    finally:
        cluster.stop(folder / "cluster")


def table(found: Mapping[str, Growth], group: int) -> Table:
    """Medians of both groups, and the growth."""
    shown = Table("Per team", title=f"Medians of {group} teams each")
    for heading in ("First", "Last", "Growth"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for part, words in (("up", "First up"), ("preview", "Preview, no change"), ("state", "State")):
        each = found[part]
        amounts = [
            f"{value / 1000:.1f} KB" if part == "state" else f"{value:.1f} s" for value in (each.first, each.last)
        ]
        shown.add_row(words, *amounts, f"{each.ratio:.2f}")
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; returns 0, or 1 where the costs grow or a run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.teams", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teams", type=int, default=TEAMS, help=f"default: {TEAMS}")
    parser.add_argument("--group", type=int, default=GROUP, help=f"how many are compared (default: {GROUP})")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"allowed growth of seconds (default: {LIMIT})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what each team cost there")
    options = parser.parse_args(arguments)
    if options.group < 1 or options.teams < 2 * options.group:
        parser.error("--teams must be at least twice --group, which is 1 or more")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console(highlight=False, soft_wrap=True)
    console.print("One local cluster (real control plane, SIMULATED nodes: their pods run no containers)")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-teams-") as folder:
            teams = measure(options.teams, options.group, Path(folder), console.print)
    except (ControlPlaneError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    found = growth(teams, options.group)
    console.print(table(found, options.group))
    if options.json:
        content = json.dumps([asdict(team) for team in teams], indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")
    lines = not_flat(found, options.limit)
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
