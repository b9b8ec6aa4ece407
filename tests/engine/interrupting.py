"""Kills an `up` while a release is being worked on, and runs `recover` beside what is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, CoreV1Api

from local.cluster import LocalCluster
from local.engine import PROJECT
from ops.recovery.place import Place
from ops.recovery.processes import Orphan, orphans_of
from ops.recovery.records import Records, ReleaseName, records_of
from tests.engine.kube import eventually
from tests.engine.stacks import Stack, beside, copy_program, stack_on

HELD = "private-chatgpt.test/held"
UNCHECKED = {"preflight": {"off": dict.fromkeys(("capacity", "gpu"), "a pod that finds no node is the test")}}
SLOW = {"ollama.chart.timeout": 300, "librechat.chart.timeout": 300}
"""Seconds: longer than any test, so that nothing is over by itself."""


@contextmanager
def interruptible(
    cluster: LocalCluster, directory: Path, prefix: str, settings: Mapping[str, Any] | None = None
) -> Iterator[Stack]:
    """A stack of a program folder of its own, in which `recover` runs too; its orphans are ended in the end."""
    program = directory / "program"
    program.mkdir(parents=True)
    copy_program(program)
    with stack_on(
        cluster, directory, "dev", {**beside(prefix), **SLOW, **UNCHECKED, **(settings or {})}, program
    ) as stack:
        try:
            yield stack
        finally:
            for orphan in orphans(stack):
                with suppress(ProcessLookupError):
                    os.kill(orphan.pid, signal.SIGKILL)


@contextmanager
def working(stack: Stack, app: str, status: str) -> Iterator[int]:
    """An `up` that helm is at work for on a release, that can't end; killed in the end without any warning."""
    line = ["pulumi", "up", "--stack", stack.name, "--yes", "--skip-preview", "--non-interactive"]
    line += ["--config-file", str(stack.config)]
    with (stack.engine.directory / "killed.log").open("w") as log:
        engine = subprocess.Popen(
            line, cwd=stack.engine.project_dir, env=stack.engine.environment(), stdout=log, stderr=log
        )
        try:

            def is_at_work() -> bool:
                assert engine.poll() is None, (stack.engine.directory / "killed.log").read_text()
                latest = records(stack, app).latest
                return latest is not None and latest.status == status and bool(pods(stack, app))

            eventually(is_at_work, 180)
            yield engine.pid
        finally:
            engine.kill()
            engine.wait()


def kill(stack: Stack, app: str, status: str) -> None:
    """Kill an `up` while helm's record of the release says that."""
    with working(stack, app, status):
        pass


def held(app: str, name: str) -> dict[str, Any]:
    """Settings by which the app's pods find no node until it is released."""
    return (
        {f"{app}.values": {"nodeSelector": {HELD: name}}}
        if app == "librechat"
        else {f"{app}.nodeSelector": {HELD: name}}
    )


def let_go(api: ApiClient, name: str) -> None:
    """Let the pods that are held under this name find a node."""
    body: Any = {"metadata": {"labels": {HELD: name}}}
    CoreV1Api(api).patch_node("cpu-node", body)


def place(stack: Stack) -> Place:
    """The stack as `recover` sees it."""
    engine = stack.engine
    return Place(
        stack.name, PROJECT, engine.project_dir, stack.cluster.context, engine.kubeconfig, engine.environment()
    )


def orphans(stack: Stack) -> list[Orphan]:
    """The processes that outlived their engine."""
    return orphans_of(place(stack))


def records(stack: Stack, app: str) -> Records:
    """What helm knows of a release."""
    namespace = stack.ollama if app == "ollama" else stack.librechat
    return records_of(stack.api, ReleaseName(app, namespace))


def pods(stack: Stack, app: str) -> list[Any]:
    """The pods in the namespace of an app."""
    namespace = stack.ollama if app == "ollama" else stack.librechat
    return list(CoreV1Api(stack.api).list_namespaced_pod(namespace).items)


def ops(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m ops <command> --stack <stack>` in the stack's program folder."""
    folder = stack.engine.project_dir
    shutil.copy(stack.config, folder)
    line = [sys.executable, "-m", "ops", arguments[0], "--stack", stack.name, *arguments[1:]]
    done = subprocess.run(
        line,
        cwd=folder,
        env={**stack.engine.environment(), "COLUMNS": "400"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    stack.printed.append(done.stdout + done.stderr)
    return done
