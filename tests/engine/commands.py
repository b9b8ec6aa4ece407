"""Runs `python -m ops` in a copy of the project, on the stack that the copy deploys."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cluster import LocalCluster
from tests.engine.stacks import Stack, copy_program, stack_on


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


@contextmanager
def own_project(
    cluster: LocalCluster, directory: Path, settings: Mapping[str, Any], name: str = "dev"
) -> Iterator[Stack]:
    """A stack of a copy of the project; its stack file there is the one that the engine deploys."""
    project = directory / "project"
    project.mkdir(parents=True)
    copy_program(project)
    file = project / f"Pulumi.{name}.yaml"
    if name != "dev":
        (project / "Pulumi.dev.yaml").rename(file)
    with stack_on(cluster, directory / "engine", name, settings, project_dir=project) as stack:
        file.unlink()
        file.symlink_to(stack.config)
        yield stack


@contextmanager
def unreachable(stack: Stack) -> Iterator[None]:
    """The stack's kubeconfig names an address where nothing answers, for as long as a test needs it."""
    kubeconfig = stack.engine.kubeconfig
    text = kubeconfig.read_text()
    kubeconfig.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", text))
    try:
        yield
    finally:
        kubeconfig.write_text(text)


def run_ops(stack: Stack, command: str, *arguments: str, before: Sequence[str] = (), named: bool = True) -> Answer:
    """Run a command about the stack, or about the whole project unless `named`, by way of `before`.

    Nobody is there to be asked.
    """
    of_stack = ["--stack", stack.name] if named else []
    done = subprocess.run(
        [*before, sys.executable, "-m", "ops", command, *of_stack, *arguments],
        cwd=stack.engine.project_dir,
        env=stack.engine.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def drift_fields(stack: Stack, *arguments: str) -> list[tuple[str, str, str]]:
    """What `drift --json` tells: object, field, manager."""
    answer = run_ops(stack, "drift", "--json", *arguments)
    found = [item for release in json.loads(answer.out)["releases"] for item in release["drift"]]
    assert answer.code == (2 if found else 0), answer
    return sorted((item["object"], item["field"], item["manager"]) for item in found)
