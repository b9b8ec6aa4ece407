"""What the program does before its first release, on which every preview waits."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from components import release_guard
from components.loading import PROJECT_DIR
from ops.drift_reading.guarding import ReleaseGuardProvider
from tests.unit import deployment
from tests.unit.deployment import deploy
from tests.unit.recording import GUARD, GUARDS, RELEASE, Recorder

SDK = {
    "pulumi_kubernetes.core.v1._inputs",
    "pulumi_kubernetes.helm.v3.Release",
    "pulumi_kubernetes.meta.v1._inputs",
    "pulumi_kubernetes.networking.v1._inputs",
}
"""Modules of the SDK that every stack needs."""


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the engine has been asked to register, while a program runs."""
    seen: list[Any] = []

    class Told(Recorder):
        def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the RPC
            seen.append(request)
            return super().RegisterResource(request)

    monkeypatch.setattr(deployment, "Recorder", Told)
    return seen


def types(requests: list[Any]) -> list[str]:
    return [request.type for request in requests]


def loaded_by(program: str) -> set[str]:
    """Which of the SDK's modules a program has loaded in the end."""
    line = f"import sys; {program}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", line], cwd=PROJECT_DIR, check=True, capture_output=True, text=True)
    return SDK & set(done.stdout.split())


def test_the_engine_starts_the_process_of_the_guards_while_the_program_loads_the_sdk(
    requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def load() -> None:
        until = time.monotonic() + 20
        while GUARDS not in types(requests) and time.monotonic() < until:
            time.sleep(0.01)
        seen.append(types(requests)[-1])

    monkeypatch.setattr(release_guard, "_load_sdk", load)
    deploy("prod")
    assert seen == [GUARDS]


def test_a_stack_without_guards_starts_no_process_for_them(
    requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_guard, "_load_sdk", lambda: pytest.fail("nothing runs beside it"))
    deploy("prod", {"drift": {"guard": False}})
    assert requests
    assert GUARDS not in types(requests)


def test_the_state_does_not_hold_where_in_python_guards_were_made(requests: list[Any]) -> None:
    deploy("prod")
    traced = {request.type for request in requests if request.stackTrace.frames}
    assert RELEASE in traced
    assert traced & {GUARDS, GUARD} == set()


def test_settings_are_read_before_the_sdk_is_loaded() -> None:
    assert not loaded_by("import components")


def test_what_start_guards_loads_is_the_sdk() -> None:
    assert loaded_by("from components import release_guard; release_guard._load_sdk()") == SDK


def test_the_process_of_the_guards_does_not_collect_its_modules_when_it_ends() -> None:
    try:
        ReleaseGuardProvider().configure(ConfigureRequest(Config({}, "private-chatgpt")))
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
