"""Faults that a test brings about: dead programs of a cluster, requests that are never answered, a full disk."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from kubernetes.client import CoreV1Api

from local.cluster import LocalCluster
from local.engine import PROJECT
from ops.drift_reading import asking
from ops.preflight_checks.reading import Api
from tests.engine.dead_programs import API_SERVER, plane_of
from tests.engine.interrupting import ops
from tests.engine.kube import eventually
from tests.engine.operations import Answer
from tests.engine.stacks import Stack

IN_FLIGHT = 0.3
"""Seconds that a request is under way before its API server dies."""
KEYS = ("CREDS_KEY", "CREDS_IV", "JWT_SECRET", "JWT_REFRESH_SECRET")


Asks = Callable[[int, str, bool], bool]
"""Whether to strike at a request, by its number from 0, its method, and whether it is one that writes."""


@contextmanager
def dying_at(cluster: LocalCluster, at: Asks) -> Iterator[list[str]]:
    """The API server dies while it is at work on the first request that is chosen; gives every request made."""
    made: list[str] = []
    lock = threading.Lock()
    struck = threading.Event()
    plain = Api._ask

    def asked(api: Api, method: str, path: str, accept: str, query: Any, *rest: Any) -> Any:
        writes = method != "GET" and ("dryRun", "All") not in query
        with lock:
            number = len(made)
            made.append(f"{method} {path}{'' if writes or method == 'GET' else ' (dry)'}")
            if at(number, method, writes) and not struck.is_set():
                struck.set()
                pid = plane_of(cluster).running()[API_SERVER]
                os.kill(pid, signal.SIGSTOP)
                threading.Timer(IN_FLIGHT, os.kill, (pid, signal.SIGKILL)).start()
        return plain(api, method, path, accept, query, *rest)

    with mock.patch.object(Api, "_ask", asked):
        yield made
    if struck.is_set():
        eventually(lambda: API_SERVER not in plane_of(cluster).running())


def command(module: ModuleType, stack: Stack, *arguments: str) -> Answer:
    """Run `drift` or `heal` in this process, on the stack file in the stack's program folder."""
    folder = stack.engine.project_dir
    (folder / stack.config.name).write_text(stack.config.read_text())
    line = ["--stack", stack.name, "--kubeconfig", str(stack.engine.kubeconfig), *arguments]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(asking, "PROJECT_DIR", folder),
        mock.patch.object(module, "PROJECT_DIR", folder, create=True),
        mock.patch.dict(os.environ, {**stack.engine.environment(), "COLUMNS": "300"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = module.main(line)
    return Answer(code, out.getvalue(), err.getvalue())


def address(stack: Stack) -> str:
    """Of the API server, as the kubeconfig names it."""
    return str(stack.api.configuration.host)


# --- the engine -------------------------------------------------------------------------------------------------------


@contextmanager
def running_up(stack: Stack, limit: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """An `up` that goes on beside the test, its output in `up_log`; killed in the end without any warning.

    `limit` is how many bytes any file may grow to: what is more is refused, as by a full disk. SIGXFSZ is blocked, so
    that the write fails instead of the process (measured 2026-11: EFBIG, where a full disk gives ENOSPC; Pulumi treats
    both alike). No rights are needed for it, unlike for a small file system.
    """

    def limited() -> None:
        if limit is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    line = ["pulumi", "up", "--stack", stack.name, "--yes", "--skip-preview", "--non-interactive"]
    line += ["--config-file", str(stack.config)]
    # No pipe to this process: a provider that outlives its engine would keep it open. Through `cat`, since the limit
    # goes for a log file too.
    with (
        up_log(stack).open("w") as log,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log) as writer,
        subprocess.Popen(
            line,
            cwd=stack.engine.project_dir,
            env=stack.engine.environment(),
            stdin=subprocess.DEVNULL,
            stdout=writer.stdin,
            stderr=subprocess.STDOUT,
            preexec_fn=limited,
        ) as engine,
    ):
        try:
            yield engine
        finally:
            engine.kill()
            engine.wait()
            writer.kill()


def up_log(stack: Stack) -> Path:
    """What the `up` of running_up() printed."""
    return stack.engine.directory / "up.log"


def ended(stack: Stack, engine: subprocess.Popen[bytes], seconds: float = 240) -> tuple[int, str]:
    """Exit code and output of an `up`."""
    try:
        code = engine.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"still running after {seconds} s:\n{up_log(stack).read_text()}") from None
    time.sleep(1)  # For `cat`: a provider that outlives its engine holds the pipe too, so its end tells nothing.
    return code, up_log(stack).read_text()


def recovered(stack: Stack) -> str:
    """What `recover --yes` prints; it must end well."""
    done = ops(stack, "recover", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def converges(stack: Stack) -> None:
    """A further `up` ends well, and there is nothing more to do."""
    stack.up()
    stack.run("preview", "--expect-no-changes")


def prefix_of(directory: Path) -> str:
    """A prefix for the namespaces of a test's own stack, which no other test's stack has on the same cluster."""
    return f"f{zlib.crc32(str(directory).encode()):08x}"


def state_file(stack: Stack) -> Path:
    """Where the backend keeps the stack's state."""
    return stack.engine.state_dir / ".pulumi" / "stacks" / PROJECT / f"{stack.name}.json"


def keys_in_state(stack: Stack) -> dict[str, str]:
    """Generated keys in the stack's state, by their resources' names; empty where none is there yet."""
    exported = stack.engine.run("stack", stack.name, "export", "--show-secrets").stdout
    resources = json.loads(exported)["deployment"].get("resources") or []
    keys = [item for item in resources if item["type"].endswith("RandomPassword") and item.get("outputs")]
    return {item["urn"].rpartition("::")[2]: json.loads(item["outputs"]["result"]["plaintext"]) for item in keys}


def keys_in_cluster(stack: Stack) -> dict[str, str]:
    """Generated keys that LibreChat's pods read; empty where there are none yet."""
    secrets: list[Any] = CoreV1Api(stack.api).list_namespaced_secret(stack.librechat).items
    data: dict[str, str] = next((item.data for item in secrets if item.metadata.name == "librechat-credentials"), {})
    return {key: base64.b64decode(data[key]).decode() for key in KEYS if key in data}


def claims_of(stack: Stack) -> dict[str, str]:
    """Volume claims of both apps, by what tells one from a new one of the same name."""
    core = CoreV1Api(stack.api)
    items: list[Any] = [
        item
        for namespace in (stack.ollama, stack.librechat)
        for item in core.list_namespaced_persistent_volume_claim(namespace).items
    ]
    return {item.metadata.name: item.metadata.uid for item in items}


def until(moment: float) -> None:
    """Let the time pass until that monotonic moment."""
    time.sleep(max(moment - time.monotonic(), 0))


def everything(stack: Stack) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """All that must not be lost."""
    return keys_in_state(stack), keys_in_cluster(stack), claims_of(stack)


def changes(number: int) -> dict[str, Any]:
    """Settings by which an `up` has something to do to both releases."""
    return {
        "ollama.resources.requests": {"cpu": f"{200 + number}m", "memory": "1Gi"},
        "librechat.title": f"Title {number}",
    }
