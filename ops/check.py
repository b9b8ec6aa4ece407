"""`make check`: every stack file, values file and contract, without cluster, engine or network.

Exit code 0: nothing was found. 1: something has to be mended.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from rich.console import Console
from rich.text import Text

from components import stack_file
from components.charts import LIBRECHAT, LOCAL_CONTEXT_PREFIX, OLLAMA
from components.contracts import contract_file
from components.faults import Fault, SettingsError
from components.loading import PROJECT_DIR, Settings
from components.provenance import KeyPath, Sources
from components.releases import final_values
from components.rules import CONFIG_VERSIONS, Chat, located
from components.values import dump, merged, read_layers
from ops.collisions import collisions, out_of_reach

APP_SCHEMA = Path(__file__).resolve().parent / "app_schema"
CONTEXT = f"{LOCAL_CONTEXT_PREFIX}check"
"""Stands in for the kubeconfig context of stacks that name none; a local one may use stand-in charts."""
NAMESPACES = ("kubernetes", "pulumi", "random")
"""Of config keys that are not this project's."""
PLACE = re.compile(r"(?P<file>(?:values/|ops/|components/|Pulumi\.)[\w./-]*\w)(?::(?P<line>\d+))?:? (?P<text>.*)", re.S)
"""How a fault without a key begins: `values/ollama.yaml:12: …`, or a file alone."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to mend."""

    file: str
    line: int
    """0 where it concerns the whole file."""
    text: str

    @staticmethod
    def of(stack: str, fault: Fault) -> Finding:
        """A fault of a stack, under the file that it names."""
        place = PLACE.match(fault.text)
        if fault.key or place is None:
            return Finding(f"Pulumi.{stack}.yaml", 0, f"{fault.key or ''} {fault.text}".strip())
        return Finding(place["file"], int(place["line"] or 0), place["text"])


@dataclass
class Report:
    """What was looked at, and what was found."""

    stacks: list[str] = field(default_factory=list)
    values_files: int = 0
    contracts: int = 0
    app_schema: str = ""
    """The package that librechat.yaml was held against; empty where it could not be."""
    findings: set[Finding] = field(default_factory=set)

    def add(self, file: str, text: str, line: int = 0) -> None:
        """Note a finding; the same one of several stacks counts once."""
        self.findings.add(Finding(file, line, text))


@dataclass(frozen=True)
class AppConfig:
    """librechat.yaml of a stack."""

    text: str
    """Empty where there is none that can be read."""
    fault: Callable[[KeyPath, str], Fault]
    """Says where a key of it stands, and what is wrong with it."""
    chart_version: str = LIBRECHAT.version


def main(arguments: list[str]) -> int:
    """Print every finding, grouped by file; returns 1 where there is one, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m ops check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    report = check(PROJECT_DIR)
    if options.json:
        print(json.dumps(asdict(report) | {"findings": [asdict(finding) for finding in sorted(report.findings)]}))
    else:
        _print(report, time.perf_counter() - started)
    return 1 if report.findings else 0


def check(project_dir: Path) -> Report:
    """The report on a project's stack files, values files, contracts and librechat.yaml."""
    report = Report()
    _check_contracts(report, project_dir / "values" / "contracts")
    report.stacks = stack_file.stacks(project_dir)
    _check_values_files(report, project_dir)
    configs: dict[str, AppConfig] = {}
    usable: list[Settings] = []
    for stack in report.stacks:
        settings = _settings(report, stack, project_dir)
        usable += [settings] if settings else []
        configs[stack] = _as_written(stack, project_dir) if settings is None else _as_deployed(settings, project_dir)
    together = (*collisions(usable, CONTEXT), *out_of_reach(usable, CONTEXT))
    report.findings |= {Finding(f"Pulumi.{stack}.yaml", 0, text) for stack, text in together}
    _check_app_schema(report, configs)
    return report


def _settings(report: Report, stack: str, project_dir: Path) -> Settings | None:
    """The settings of a stack file, or None and findings."""
    file = project_dir / f"Pulumi.{stack}.yaml"
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        report.add(file.name, str(error.problem), error.problem_mark.line + 1 if error.problem_mark else 0)
        return None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        report.add(file.name, "has no map `config`; allowed: config keys and their values below `config:`")
        return None
    for text in _foreign_keys(config, project_dir):
        report.add(file.name, text)
    try:
        return Settings.of_stack(stack, project_dir, CONTEXT)
    except SettingsError as error:
        report.findings |= {Finding.of(stack, fault) for fault in error.faults}
    except (ValueError, yaml.YAMLError) as error:
        # A contract that can't be read, which has a finding of its own.
        report.add(file.name, f"was not checked against the contracts: {str(error).splitlines()[0]}")
    return None


def _as_deployed(settings: Settings, project_dir: Path) -> AppConfig:
    if settings.librechat is None:
        return AppConfig("", lambda path, what: located(settings.platform.sources(LIBRECHAT.name), path, what))
    values = final_values(settings.platform, settings.ollama, settings.librechat)[LIBRECHAT.name]
    chat = Chat.of(settings.platform, settings.librechat, values, project_dir)
    return AppConfig(chat.config_text, chat.in_config, settings.librechat.chart.version)


def _as_written(stack: str, project_dir: Path) -> AppConfig:
    """What the files say, for a stack whose settings can't be used: its librechat.yaml is checked all the same."""
    layers, unreadable = read_layers(project_dir / "values" / "app", stack)
    files = layers.get(LIBRECHAT.name, ())
    sources = Sources(LIBRECHAT.name, files, {}, project_dir / f"Pulumi.{stack}.yaml", "")
    text = dump(merged(files)) if files and not unreadable else ""
    return AppConfig(text, lambda path, what: located(sources, path, what))


def _foreign_keys(config: Mapping[str, Any], project_dir: Path) -> Iterator[str]:
    """Config keys that nobody reads: those of another project."""
    project = str(yaml.load((project_dir / "Pulumi.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["name"])
    for key in config:
        namespace, _, name = str(key).rpartition(":")
        if namespace.split(":")[0] not in (project, *NAMESPACES):
            yield f"{key} is read by nobody; allowed: {project}:{name} and keys of {', '.join(NAMESPACES)}"


def _check_values_files(report: Report, project_dir: Path) -> None:
    """Files that no stack reads. What stands in the others is checked with each stack."""
    for folder in (project_dir / "values", project_dir / "values" / "app"):
        for file in sorted(path for path in folder.glob("*.*") if path.is_file()):
            report.values_files += 1
            shown = file.relative_to(project_dir).as_posix()
            _, _, stack = file.stem.partition(".")
            if file.suffix != ".yaml":
                report.add(shown, "is read by nobody; allowed: files that end in .yaml")
            elif stack and stack not in report.stacks:
                near = difflib.get_close_matches(stack, report.stacks, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                report.add(
                    shown,
                    f"is read by nobody: there is no Pulumi.{stack}.yaml; allowed: overlays of "
                    f"{', '.join(report.stacks) or 'no stack, for there is none'}.{hint}",
                )


def _check_contracts(report: Report, folder: Path) -> None:
    """Every file of values/contracts is one that the program reads, and each pinned chart has its contract."""
    for file in sorted(folder.glob("*")):
        report.contracts += 1
        shown = f"values/contracts/{file.name}"
        try:
            if file.suffix == ".json":
                document = json.loads(file.read_text(encoding="utf-8"))
            else:
                document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            if re.fullmatch(r"[a-z][a-z0-9-]*-\d+\.\d+\.\d+\S*\.schema\.json", file.name):
                jsonschema_rs.meta.validate(document)
            elif file.name not in {
                "cures.yaml",
                *(f"librechat-config-{known}.json" for known in CONFIG_VERSIONS.values()),
            }:
                report.add(
                    shown, "is read by nobody; allowed: <chart>-<version>.schema.json. Rename it or take it away"
                )
        except json.JSONDecodeError as error:
            report.add(shown, f"is no JSON: {error.msg}. Run make contracts, or restore it from git", error.lineno)
        except yaml.MarkedYAMLError as error:
            report.add(shown, f"is no YAML: {error.problem}", error.problem_mark.line + 1 if error.problem_mark else 0)
        except jsonschema_rs.ValidationError as error:
            report.add(shown, f"is no JSON Schema: {error.message}. Run make contracts, or restore it from git")
    for chart in (OLLAMA, LIBRECHAT):
        file = contract_file(chart, folder)
        if not file.is_file():
            report.add(
                f"values/contracts/{file.name}",
                "is missing, the contract of a pinned chart: run make contracts, or keep to a version that has one",
            )


def _check_app_schema(report: Report, configs: Mapping[str, AppConfig]) -> None:
    """librechat.yaml of every stack against LibreChat's own schema."""
    answer = _ask_node(report, {stack: config.text for stack, config in configs.items() if config.text})
    if answer is not None:
        report.app_schema = answer["package"]
        ours = {(known.file, known.line) for known in report.findings if known.line}
        for found in answer["findings"]:
            fault = configs[found["name"]].fault(tuple(found["path"]), found["message"])
            finding = Finding.of(found["name"], fault)
            # What a rule of ours says of the same line says more.
            if (finding.file, finding.line) not in ours:
                report.findings.add(finding)
    for stack, config in configs.items():
        needed = CONFIG_VERSIONS.get(config.chart_version)
        if needed is None or (answer is not None and needed != answer["configVersion"]):
            report.add(
                f"Pulumi.{stack}.yaml",
                f"librechat.chart.version found {config.chart_version}, and which librechat.yaml it takes is not known "
                f"here; allowed: {', '.join(CONFIG_VERSIONS)}. Add it to components/rules.py and ops/app_schema",
            )


def _ask_node(report: Report, texts: Mapping[str, str]) -> Any:
    """What ops/app_schema/check.mjs says of the texts, or None and a finding that says what is missing."""
    here = "ops/app_schema/package.json"
    lock, installed = APP_SCHEMA / "package-lock.json", APP_SCHEMA / "node_modules" / ".package-lock.json"
    node = shutil.which("node")
    if node is None:
        report.add(here, "librechat.yaml was NOT checked: there is no Node. Install Node 20 or newer, then: make check")
        return None
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        state = "older than its lock file" if installed.is_file() else "not installed"
        report.add(
            here,
            f"librechat.yaml was NOT checked: LibreChat's schema is {state}. Install it: make check, or "
            "npm ci --ignore-scripts --prefix ops/app_schema",
        )
        return None
    done = subprocess.run(
        [node, APP_SCHEMA / "check.mjs"],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if "Error" in line), done.stderr.strip())
        report.add(here, f"librechat.yaml was NOT checked: node failed with {reason}")
        return None
    return json.loads(done.stdout)


def _print(report: Report, seconds: float) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for file, findings in groupby(sorted(report.findings), key=lambda finding: finding.file):
        console.print(Text(file, style="bold"))
        for finding in findings:
            console.print(Text.assemble((f"{finding.line or '':>6}  ", "dim"), finding.text))
    schema = f"librechat.yaml against {report.app_schema}" if report.app_schema else "librechat.yaml NOT"
    console.print(
        f"Checked {len(report.stacks)} stacks ({', '.join(report.stacks)}), {report.values_files} values files, "
        f"{report.contracts} contracts, {schema}: {len(report.findings) or 'no'} "
        f"finding{'' if len(report.findings) == 1 else 's'} ({seconds:.1f} s)"
    )
