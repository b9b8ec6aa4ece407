"""The two programs that are measured, each in a folder of its own: ours with further apps, and the bare one."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.loading import PROJECT_DIR
from local.engine import Engine

HERE = Path(__file__).resolve().parent
STACK = "bench"
STACK_FILE = HERE / "programs" / f"Pulumi.{STACK}.yaml"
BUILT_IN = 2
"""Releases that the program has without any further app: Ollama and LibreChat."""
GUARDRAILS = ("NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount")
"""Kinds of what stands around a release, by the settings of the bench."""
LOADING = "settings = Settings.load(pulumi.Config())"
THIRD_CHARTS = """
from components import Chart  # noqa: E402

# The stack's charts come from a directory, so the chart's repository is never asked.
hello = Chart("hello", "1.0.0", "oci://registry.invalid/charts")
apps = {{f"hello-{{number:03}}": hello for number in range(1, {count} + 1)}}
settings = Settings.load(pulumi.Config(), apps)
"""
THIRD_APPS = """
from components import HelmApp, HelmAppArgs  # noqa: E402

for app in apps:
    HelmApp(app, HelmAppArgs(settings.platform, hello, namespace=app))

"""

Facts = dict[str, Any]
"""Type, parent, protection, dependencies and each input (`inputs.<name>`) of one resource."""


class BenchError(RuntimeError):
    """The comparison would not be a fair one; the message says what differs."""


@dataclass(frozen=True)
class Programs:
    """Folders to run `pulumi` in; both hold the same Pulumi.yaml and charts and deploy the same resources."""

    ours: Path
    bare: Path
    resources: Counter[str]
    """How many resources of each type either of them registers, the stack itself included."""


def prepare(folder: Path, releases: int) -> Programs:
    """Write both programs for this number of releases below `folder`.

    Raises BenchError where the two would not register the same resources, EngineError where one fails.
    """
    ours = _project(folder / "ours")
    for part in ("components", "values", "ops"):
        shutil.copytree(PROJECT_DIR / part, ours / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(HERE / "programs" / "hello-1.0.0.schema.json", ours / "values" / "contracts")
    third_apps = releases - BUILT_IN
    for number in range(1, third_apps + 1):
        shutil.copyfile(HERE / "programs" / "hello.yaml", ours / "values" / f"hello-{number:03}.yaml")
    program = (PROJECT_DIR / "__main__.py").read_text(encoding="utf-8")
    program = program.replace(LOADING, THIRD_CHARTS.format(count=third_apps))
    before, freeze, after = program.partition("gc.freeze()")
    (ours / "__main__.py").write_text(f"{before}{THIRD_APPS}{freeze}{after}", encoding="utf-8")
    registered_by_ours = registered(ours)

    bare = _project(folder / "bare")
    shutil.copyfile(HERE / "programs" / "bare.py", bare / "__main__.py")
    (bare / "inputs.json").write_text(json.dumps(_inputs(registered_by_ours), indent=2), encoding="utf-8")
    if different := differences(registered_by_ours, registered(bare)):
        raise BenchError("\n".join(["bench/programs/bare.py must register what our program does:", *different]))
    return Programs(ours, bare, Counter(resource["type"] for resource in registered_by_ours.values()))


def registered(project_dir: Path) -> dict[str, Facts]:
    """What a preview of a program registers, without a cluster: by URN."""
    scratch = project_dir.parent / "scratch"
    engine = Engine(scratch, kubeconfig=scratch / "no-kubeconfig", project_dir=project_dir)
    engine.prepare(STACK, {"kubernetes:context": "kwok-none"}, source=STACK_FILE)
    steps = json.loads(engine.run("preview", STACK, "--json").stdout)["steps"]
    engine.forget()
    return {step["urn"]: _facts(step["newState"]) for step in steps}


def differences(ours: Mapping[str, Facts], bare: Mapping[str, Facts]) -> list[str]:
    """A line for each resource that only one program registers, and for each input of one that differs."""
    lines = [f"  only ours registers {urn}" for urn in ours.keys() - bare.keys()]
    lines += [f"  only the bare program registers {urn}" for urn in bare.keys() - ours.keys()]
    for urn in ours.keys() & bare.keys():
        for part in ours[urn].keys() | bare[urn].keys():
            expected, found = ours[urn].get(part), bare[urn].get(part)
            if expected != found:
                lines.append(f"  {part} of {urn}: ours {expected}, bare {found}")
    return sorted(lines)


def _facts(state: Mapping[str, Any]) -> Facts:
    """What a program said of a resource; where in its code it said so is its own affair."""
    facts: Facts = {part: state.get(part) for part in ("type", "parent", "protect")}
    facts["dependencies"] = sorted(state.get("dependencies", []))
    facts |= {f"inputs.{name}": value for name, value in state.get("inputs", {}).items()}
    return facts | {f"dependencies of {name}": sorted(on) for name, on in state.get("propertyDependencies", {}).items()}


def _project(folder: Path) -> Path:
    """A folder with Pulumi.yaml and the charts; the program runs in this checkout's virtualenv."""
    folder.mkdir(parents=True)
    project = yaml.safe_load((PROJECT_DIR / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"]["virtualenv"] = str(PROJECT_DIR / ".venv")
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
    for charts in (PROJECT_DIR / "local" / "charts", HERE / "charts"):
        shutil.copytree(charts, folder / "charts", dirs_exist_ok=True)
    return folder


def _inputs(resources: Mapping[str, Facts]) -> dict[str, Facts]:
    """What the bare program is given: by release its chart, version, timeout, values, and what stands around it."""
    namespaces = _of_type(resources, "kubernetes:core/v1:Namespace")
    return {
        name: {part: release[f"inputs.{part}"] for part in ("chart", "version", "timeout", "values")}
        | {part: namespaces[name]["inputs.metadata"][part] for part in ("name", "labels")}
        | {"around": _around(resources, release["parent"])}
        for name, release in _of_type(resources, "kubernetes:helm.sh/v3:Release").items()
    }


def _around(resources: Mapping[str, Facts], app: str) -> dict[str, Facts]:
    """The inputs of each guardrail of an app, by its name in the program, with its kind."""
    found: dict[str, Facts] = {}
    for urn, facts in resources.items():
        kind = facts["type"].rpartition(":")[2]
        if facts["parent"] == app and kind in GUARDRAILS:
            inputs = {key.partition(".")[2]: value for key, value in facts.items() if key.startswith("inputs.")}
            found[urn.rpartition("::")[2]] = {"type": kind, **inputs}
    return found


def _of_type(resources: Mapping[str, Facts], kind: str) -> dict[str, Facts]:
    return {urn.rpartition("::")[2]: facts for urn, facts in resources.items() if facts["type"] == kind}
