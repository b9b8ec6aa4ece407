"""Asks `why` about a stack, as its command and as an error hook do."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import yaml

from components.loading import PROJECT_DIR
from components.settings import CheckName
from local.cluster import LocalCluster
from local.up import STAND_INS
from ops import diagnosis, why
from tests.engine.scenarios import Settings
from tests.engine.stacks import Stack, beside, stack_on

TIMEOUT = 5
"""Seconds that a release gets: what keeps it from being ready shows in the first."""
PLAYED = 4 * TIMEOUT
"""Seconds that it gets where a test plays the kubelet meanwhile."""


@dataclass(frozen=True)
class Answer:
    """What `why` said of a stack."""

    code: int
    text: str
    releases: Mapping[str, Any]

    @property
    def causes(self) -> list[dict[str, Any]]:
        """The causes of Ollama, or of LibreChat where Ollama has none."""
        found = self.releases["ollama"]["causes"] or self.releases["librechat"]["causes"]
        assert found, self.text
        return list(found)

    @property
    def first(self) -> dict[str, Any]:
        """The most specific one."""
        return self.causes[0]


def ask(stack: Stack) -> Answer:
    """Run the command on a copy of the project whose stack file is the one that was deployed."""
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        shutil.copytree(PROJECT_DIR / "values", project / "values")
        shutil.copy(PROJECT_DIR / "Pulumi.yaml", project)
        document = yaml.safe_load(stack.config.read_text())
        document["config"]["private-chatgpt:charts"] = str(PROJECT_DIR / STAND_INS)
        (project / f"Pulumi.{stack.name}.yaml").write_text(yaml.safe_dump(document))
        line = ["--stack", stack.name, "--kubeconfig", str(stack.engine.kubeconfig)]
        with mock.patch.object(why, "PROJECT_DIR", project):
            _, told = _run([*line, "--json"])
            code, text = _run(line)
    return Answer(code, text, {item["release"]: item for item in json.loads(told)["releases"]})


def explained(stack: Stack, printed: str, since: datetime) -> tuple[str, ...]:
    """What an error hook says of Ollama, given what the engine said."""
    found = diagnosis.explain_failure(
        stack.cluster.context, stack.engine.kubeconfig, stack.ollama, "ollama", since, errors=[printed]
    )
    assert not found.transient
    return found.lines


@contextmanager
def failing(cluster: LocalCluster, directory: Path, prefix: str, settings: Settings) -> Iterator[Stack]:
    """A stack in namespaces of its own, whose releases get a few seconds to be ready, and that no preflight stops."""
    short = {"ollama.chart.timeout": TIMEOUT, "librechat.chart.timeout": TIMEOUT}
    unchecked = {"preflight": {"off": dict.fromkeys(get_args(CheckName), "what happens without it is the test")}}
    with stack_on(cluster, directory, "dev", {**beside(prefix), **short, **unchecked, **settings}) as stack:
        yield stack


def fail(stack: Stack) -> str:
    """What an `up` prints that is expected to fail."""
    return stack.fail("up", "--yes", "--skip-preview")


@contextmanager
def failing_meanwhile(stack: Stack) -> Iterator[None]:
    """An `up` that fails while the test does something; waits for its end."""
    printed: list[str] = []
    thread = threading.Thread(target=lambda: printed.append(fail(stack)))
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert printed, "up did not fail"


def _run(arguments: list[str]) -> tuple[int, str]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = why.main(arguments)
    return code, printed.getvalue()
