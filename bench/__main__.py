"""`make bench`: what our program costs beside a bare one that registers the same resources.

For each number of releases: seconds of a no-change preview and of the first `up`, and bytes of state, on throw-away
local clusters (real control plane, SIMULATED nodes), for the program of this repo and for bench/programs/bare.py.
Fails when a no-change preview of ours costs more than --limit times the bare one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.measure import measure
from bench.prepare import BUILT_IN, BenchError
from bench.report import document, table, too_slow
from local.control_plane import ControlPlaneError
from local.engine import EngineError

LIMIT = 1.15


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; returns 0, or 1 where ours is too slow or a run failed."""
    options = _parser().parse_args(arguments)
    # Our users have no such variable: Python would compile our components again on every run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console(highlight=False, soft_wrap=True)
    console.print("Local clusters (real control plane, SIMULATED nodes: their pods run no containers)")
    measurements = []
    try:
        for releases in options.sizes:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                measurements.append(
                    measure(
                        releases,
                        Path(folder),
                        previews=options.repeat,
                        ups=options.repeat_up or options.repeat,
                        say=console.print,
                    )
                )
    except (BenchError, ControlPlaneError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    console.print(table(measurements))
    if options.json:
        content = json.dumps(document(measurements, options.limit), indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")
    slow = too_slow(measurements, options.limit)
    for line in slow:
        print(line, file=sys.stderr)
    return 1 if slow else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=_sizes, default=[2, 20, 100], help="numbers of releases (default: 2,20,100)")
    parser.add_argument("--repeat", type=_positive, default=5, help="runs that each median is made of (default: 5)")
    parser.add_argument("--repeat-up", type=_positive, help="the same for the first up alone (default: as --repeat)")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"allowed preview, ours / bare (default: {LIMIT})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [_positive(part) for part in text.split(",")]
    if min(sizes) < BUILT_IN:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: {BUILT_IN} (Ollama and LibreChat) or more")
    return sizes


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a whole number, 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
