"""What Pulumi gets from programs of ours, called by make or by hand; and what the commands say of their exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from ops import __main__ as ops
from ops.backend import Backend, BackendError
from ops.environment import loopback_without_proxy


@pytest.mark.parametrize(
    ("environment", "exceptions"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"no_proxy": "", "NO_PROXY": ".corp"}, ".corp,127.0.0.1,localhost"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "a,b,127.0.0.1,localhost"),
    ],
)
def test_loopback_is_excepted_from_proxies_beside_what_was_excepted(
    environment: dict[str, str], exceptions: str
) -> None:
    assert loopback_without_proxy(environment) == {"no_proxy": exceptions, "NO_PROXY": exceptions}


def test_a_run_of_the_program_reaches_it_past_a_proxy_without_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: dict[str, str] = {}

    def workspace(env_vars: dict[str, str], **_: Any) -> None:
        told.update(env_vars)
        raise automation.InvalidVersionError("far enough")

    monkeypatch.setenv("no_proxy", "callers.example")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr("ops.backend.Workspace", workspace)
    with pytest.raises(BackendError, match="far enough"):
        Backend("dev", tmp_path, {"KUBECONFIG": "mine"}).releases()
    exceptions = "callers.example,127.0.0.1,localhost"
    assert told == {"KUBECONFIG": "mine", "no_proxy": exceptions, "NO_PROXY": exceptions}


@pytest.mark.parametrize("command", ops.COMMANDS)
def test_the_help_of_every_command_has_its_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        ops.main([command, "--help"])
    assert left.value.code == 0
    assert "Exit code 0" in " ".join(capsys.readouterr().out.split())
