"""Operations on a deployed stack, run as commands; and a program whose Ollama has two charts to choose from."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import yaml

from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.up import STAND_INS
from tests.engine.stacks import Stack, copy_program, stack_on

OLDER = "1.76.0"
"""Version of the other stand-in chart of Ollama, the same but for that."""
AUTHOR = "Ada"


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


def ask(command: ModuleType, stack: Stack, *arguments: str) -> Answer:
    """Run a command of `ops` where the stack's program and its stack file are."""
    shutil.copy(stack.config, stack.engine.project_dir / stack.config.name)
    line = ["--stack", stack.name, "--kubeconfig", str(stack.engine.kubeconfig), *arguments]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(command, "PROJECT_DIR", stack.engine.project_dir),
        mock.patch.dict(os.environ, stack.engine.environment()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = command.main(line)
    return Answer(code, out.getvalue(), err.getvalue())


@contextmanager
def upgraded(cluster: LocalCluster, directory: Path, settings: Mapping[str, Any]) -> Iterator[Stack]:
    """A stack in a git repository of its own; Ollama got more memory and the present chart after an older one."""
    project, charts = directory / "project", directory / "charts"
    for folder in (project, charts):
        folder.mkdir()
    copy_program(project)
    _two_versions(charts)
    contracts = project / "values" / "contracts"
    older_contract = contracts / f"ollama-{OLDER}.schema.json"
    shutil.copy(contracts / "ollama-1.77.0.schema.json", older_contract)
    first = {**settings, "charts": str(charts), "ollama.chart.version": OLDER}
    with stack_on(cluster, directory / "engine", settings=first, project_dir=project) as stack:
        commit(project, "The first version")
        stack.up()
        # As after an upgrade: the contract of a chart that nothing pins any more is gone.
        older_contract.unlink()
        stack.change({"ollama.chart.version": "1.77.0", "ollama.resources.limits.memory": "6Gi"})
        commit(project, "More memory")
        stack.up()
        yield stack


def commit(project: Path, message: str) -> None:
    """Commit all of a folder, as AUTHOR."""
    identity = ["-c", f"user.name={AUTHOR}", "-c", "user.email=ada@example.com"]
    for line in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "--message", message]):
        subprocess.run(["git", *line], cwd=project, check=True, capture_output=True)


def _two_versions(charts: Path) -> None:
    for folder in (PROJECT_DIR / STAND_INS).iterdir():
        if folder.is_dir():
            shutil.copytree(folder, charts / folder.name)
    older = shutil.copytree(charts / "ollama", charts / "ollama-older") / "Chart.yaml"
    older.write_text(yaml.safe_dump({**yaml.safe_load(older.read_text()), "version": OLDER}))
