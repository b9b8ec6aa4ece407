"""Stacks of this project, run by the real engine against a local cluster, and what tests ask of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient

from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.contents import connect
from local.engine import PROJECT, Engine
from local.up import STAND_INS

INGRESS = {"librechat.ingressClass": "nginx"}
"""The local cluster has this class, and none that is the default."""
Changes = dict[str, set[str]]


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack with a state of its own. It writes to no file of the repo."""

    name: str
    cluster: LocalCluster
    engine: Engine
    api: ApiClient
    printed: list[str] = field(default_factory=list, repr=False)
    """All that commands have printed."""

    def run(self, command: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi <command>`; raises EngineError where it fails and `check` is set."""
        done = self.engine.run(command, self.name, *arguments, check=False)
        self.printed.append(f"{done.stdout}{done.stderr}")
        if check:
            assert done.returncode == 0, self.printed[-1]
        return done

    def up(self, *arguments: str) -> None:
        """Deploy, without asking."""
        self.run("up", "--yes", "--skip-preview", *arguments)

    def fail(self, command: str, *arguments: str) -> str:
        """What a command prints that is expected to fail."""
        done = self.run(command, *arguments, check=False)
        assert done.returncode != 0, f"{command} did not fail:\n{self.printed[-1]}"
        return self.printed[-1]

    def changes(self, *arguments: str) -> Changes:
        """What `pulumi preview` would change: operation, type and name of a resource → its keys that differ."""
        steps = json.loads(self.run("preview", "--json", *arguments).stdout)["steps"]
        return {
            f"{step['op']} {type_of(step['urn'])} {name_of(step['urn'])}": set(step.get("detailedDiff") or {})
            for step in steps
            if step["op"] != "same"
        }

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state file."""
        file = self.engine.state_dir / ".pulumi" / "stacks" / PROJECT / f"{self.name}.json"
        latest = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"]
        return list(latest.get("resources") or [])

    def output(self, key: str) -> Any:
        """One output of the stack."""
        return json.loads(self.run("stack", "output", "--json").stdout)[key]

    @property
    def config(self) -> Path:
        """The stack's config, a throw-away copy of the repo's stack file."""
        return self.engine.config_file(self.name)

    @property
    def ollama(self) -> str:
        """Namespace of Ollama."""
        return self._namespace("ollama")

    @property
    def librechat(self) -> str:
        """Namespace of LibreChat."""
        return self._namespace("librechat")

    def change(self, settings: Mapping[str, Any]) -> None:
        """Write settings into the config, by their keys as README has them; `kubernetes:context` is one too."""
        document = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        for key, value in settings.items():
            *parents, last = (key if ":" in key else f"{PROJECT}:{key}").split(".")
            place = document["config"]
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        self.config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def change_secret(self, key: str, value: str) -> None:
        """Encrypt a setting into the config."""
        self.engine.set_secret(self.name, f"{PROJECT}:{key}", value)

    @contextmanager
    def changed(self, settings: Mapping[str, Any]) -> Iterator[None]:
        """The config with other settings, for as long as a test needs it."""
        before = self.config.read_text(encoding="utf-8")
        self.change(settings)
        try:
            yield
        finally:
            self.config.write_text(before, encoding="utf-8")

    def _namespace(self, app: str) -> str:
        config = yaml.safe_load(self.config.read_text(encoding="utf-8"))["config"]
        return str(config[f"{PROJECT}:{app}"].get("namespace", app))


@contextmanager
def stack_on(
    cluster: LocalCluster,
    directory: Path,
    name: str = "dev",
    settings: Mapping[str, Any] | None = None,
    project_dir: Path = PROJECT_DIR,
) -> Iterator[Stack]:
    """A stack that is not deployed yet: the repo's settings of that name, on this cluster, with stand-in charts."""
    engine = Engine(directory, cluster.kubeconfig, project_dir)
    charts = str(PROJECT_DIR / STAND_INS) if project_dir != PROJECT_DIR else STAND_INS
    engine.prepare(name, {"kubernetes:context": cluster.context, f"{PROJECT}:charts": charts})
    with connect(cluster.kubeconfig) as api:
        stack = Stack(name, cluster, engine, api)
        stack.change(settings or {})
        yield stack


def beside(prefix: str) -> dict[str, Any]:
    """Settings of a stack that shares its cluster with others: namespaces of its own."""
    return {"ollama.namespace": f"{prefix}-ollama", "librechat.namespace": f"{prefix}-librechat"}


def copy_program(directory: Path) -> Path:
    """A copy of what `pulumi` runs, for tests that change a file of it; returns `directory`."""
    for file in (PROJECT_DIR / "__main__.py", *PROJECT_DIR.glob("Pulumi*.yaml")):
        shutil.copy(file, directory)
    for folder in ("components", "values", "ops"):
        shutil.copytree(
            PROJECT_DIR / folder, directory / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    (directory / ".venv").symlink_to(PROJECT_DIR / ".venv")
    return directory


def type_of(urn: str) -> str:
    """The type of a resource, such as `kubernetes:core/v1:Secret`."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The name of a resource in the program."""
    return urn.split("::", 3)[3]
