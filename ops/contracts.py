"""`python -m ops contracts`: writes which value keys each pinned chart reads, by the generator in contracts/ (Go).

Without arguments it does so for the charts that the stack files pin, from where each stack's `charts` setting says. A
further app's chart is named with its version and source: `contracts whoami 1.2.3 https://charts.example.com`.

Exit code 0: the contracts are as the charts are. 1: a chart can't be had or analysed; with --check also: one differs.
2: a mistake on the command line, or Go or helm is missing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components import stack_file
from components.charts import Chart, ChartLocation, ChartNotFoundError, read_source
from components.contracts import all_keys, contract_file
from components.faults import SettingsError
from components.loading import PROJECT_DIR, pinned_charts

OK, FAILED, UNUSABLE = 0, 1, 2
"""Exit codes."""
GENERATOR = PROJECT_DIR / "contracts"
BUILD_SECONDS = 900
"""For building the generator: the first time its modules are downloaded and compiled."""
PULL_SECONDS = 120
ANALYSIS_SECONDS = 120
"""For one chart. Most take a fraction of a second (2026-11)."""


class ContractError(Exception):
    """A contract that can't be written; the message says of which chart and why."""


class MissingProgramError(ContractError):
    """Go or helm is not there."""


@dataclass(frozen=True)
class Wanted:
    """A chart whose contract is to be written, and where the chart is."""

    chart: Chart
    location: ChartLocation
    stand_in: bool
    """The chart there only stands in for the real one: it reads other keys."""


def main(arguments: list[str]) -> int:
    """Write the contracts, or say what would be written; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops contracts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chart", nargs="*", metavar="NAME VERSION SOURCE", help="one chart instead of the pinned ones")
    parser.add_argument("--stack", help="only the charts that Pulumi.<stack>.yaml pins; default: those of all stacks")
    parser.add_argument("--charts", metavar="SOURCE", help="where the charts are, instead of what the stack files say")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--stand-ins", action="store_true", help="take a stand-in for the real chart: only for trials")
    options = parser.parse_args(arguments)
    if len(options.chart) not in (0, 3):
        parser.error("a chart takes a name, a version and a source (an address or a directory)")
    if options.chart and (options.stack or options.charts):
        parser.error("--stack and --charts are for the pinned charts, not for one that is named with its source")
    try:
        wanted = (
            [_named(*options.chart)] if options.chart else list(_pinned(PROJECT_DIR, options.stack, options.charts))
        )
        if not options.stand_ins:
            _refuse_stand_ins(wanted)
        with tempfile.TemporaryDirectory() as folder:
            generator = build_generator(Path(folder))
            different = [write(item, PROJECT_DIR, generator, check=options.check) for item in wanted]
    except MissingProgramError as error:
        print(f"contracts: {error}", file=sys.stderr)
        return UNUSABLE
    except (ContractError, SettingsError, ChartNotFoundError) as error:
        print(f"contracts: {error}", file=sys.stderr)
        return FAILED
    return FAILED if options.check and any(different) else OK


def build_generator(folder: Path) -> Path:
    """The generator, built into `folder`; raises ContractError where it can't be."""
    if shutil.which("go") is None:
        raise MissingProgramError(f"Go is not on PATH; the generator in {GENERATOR.name}/ is a Go program")
    program = folder / "contracts"
    failure = f"the generator in {GENERATOR.name}/ can't be built"
    _run(["go", "build", "-o", str(program), "."], failure, BUILD_SECONDS, GENERATOR)
    return program


def write(wanted: Wanted, project_dir: Path, generator: Path, *, check: bool = False) -> bool:
    """Write a chart's contract unless it is there already, or `check` is set; says what differs, returns whether.

    Raises ContractError where the chart can't be had or analysed; the contract that is there stays then.
    """
    chart = wanted.chart
    file = contract_file(chart, project_dir / "values" / "contracts")
    shown = file.relative_to(project_dir)
    new = generated(wanted, generator, project_dir)
    old = file.read_text(encoding="utf-8") if file.is_file() else None
    if new == old:
        print(f"{shown}: unchanged")
        return False
    if not check:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(new, encoding="utf-8")
        fresh.replace(file)
    verb = "would be written" if check else "written"
    print(f"{shown}: {verb}, {_difference(old, new)}")
    return True


def generated(wanted: Wanted, generator: Path, project_dir: Path = PROJECT_DIR) -> str:
    """The contract of a chart, as the generator writes it; raises ContractError where it can't."""
    chart = wanted.chart
    with tempfile.TemporaryDirectory() as folder:
        place = _pulled(wanted, Path(folder)) if _is_remote(wanted.location) else project_dir / wanted.location.chart
        failure = f"chart {chart.name} {chart.version} can't be analysed"
        done = _run([str(generator), str(place)], failure, ANALYSIS_SECONDS)
    found = str(json.loads(done.stdout)["title"])
    if found != f"{chart.name} {chart.version}":
        raise ContractError(f"{wanted.location.chart} holds chart {found}, not {chart.name} {chart.version}")
    print(done.stderr, end="", file=sys.stderr)
    return done.stdout


def _is_remote(location: ChartLocation) -> bool:
    return location.repository is not None or "://" in location.chart


def _pulled(wanted: Wanted, folder: Path) -> Path:
    """The chart's package, fetched by helm, which knows the logins to private registries."""
    if shutil.which("helm") is None:
        raise MissingProgramError("helm, which fetches the charts, is not on PATH (make toolchain)")
    chart, location = wanted.chart, wanted.location
    line = ["helm", "pull", location.chart, "--version", chart.version, "--destination", str(folder)]
    if location.repository:
        line += ["--repo", location.repository]
    place = location.repository or location.chart
    _run(line, f"chart {chart.name} {chart.version} can't be fetched from {place}", PULL_SECONDS)
    return next(folder.glob("*.tgz"))


def _run(
    line: Sequence[str], failure: str, seconds: int, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; raises ContractError, `failure` and why, where it fails or `seconds` pass."""
    try:
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise ContractError(f"{failure}: {Path(line[0]).name} took more than {seconds} s") from error
    if done.returncode:
        said = done.stderr.strip().removeprefix("contracts: ").removeprefix("Error: ")
        raise ContractError(f"{failure}: {said}")
    return done


def _named(name: str, version: str, source: str) -> Wanted:
    return _located(Chart(name, version, source), source, Path.cwd())


def _pinned(project_dir: Path, only: str | None, source: str | None) -> Iterator[Wanted]:
    """The charts of all stack files, or of one, each once: where a stack names the real one, no stand-in is taken."""
    found: dict[tuple[str, str], Wanted] = {}
    for stack in (name for name in stack_file.stacks(project_dir) if only in (None, name)):
        setting, charts = pinned_charts(stack, project_dir)
        for chart in charts:
            before = found.get((chart.name, chart.version))
            if before is None or before.stand_in:
                found[chart.name, chart.version] = _located(chart, source or setting, project_dir)
    if not found:
        raise ContractError(f"there is no Pulumi.{only or '<stack>'}.yaml")
    yield from found.values()


def _located(chart: Chart, source: str, directory: Path) -> Wanted:
    charts = read_source(source, directory)
    location = charts.locate(chart)
    if not _is_remote(location):
        location = ChartLocation(str((directory / location.chart).resolve()))
    stand_ins = {str((directory / path).resolve()) for path in charts.stand_ins}
    return Wanted(chart, location, location.chart in stand_ins)


def _refuse_stand_ins(wanted: Sequence[Wanted]) -> None:
    for item in wanted:
        if item.stand_in:
            raise ContractError(
                f"{item.location.chart} is a stand-in for chart {item.chart.name}: it reads other keys than the real "
                "one. Name a source of the real chart: the setting `charts`, or --charts SOURCE"
            )


def _difference(old: str | None, new: str) -> str:
    after = set(all_keys(json.loads(new)))
    if old is None:
        return f"new, {len(after)} keys"
    before = set(all_keys(json.loads(old)))
    parts = [f"{len(after)} keys", _listed("gone", before - after), _listed("new", after - before)]
    return "; ".join(part for part in parts if part)


def _listed(what: str, keys: set[str]) -> str:
    # What stands below a key that is listed goes without saying.
    tops = sorted(key for key in keys if not any(key.startswith(f"{other}.") for other in keys))
    return f"{what}: {', '.join(tops)}" if tops else ""
