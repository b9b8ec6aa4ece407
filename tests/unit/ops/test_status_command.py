"""What `status` makes of what it found: the screen, and its exit code."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from ops import status
from ops.backend import Update
from ops.diagnosis.judging import State
from ops.preflight_checks.findings import CouldNotTellError
from ops.standing.models import Download, Models
from ops.standing.releases import Claim, Standing, of_snapshot
from ops.standing.screen import show
from ops.status import Status
from tests.unit.deployment import load_settings
from tests.unit.ops.why_objects import NOW, deployment, pod, record, replica_set, snapshot

READY_POD = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}], state={"running": {}})
CLAIM = {
    "metadata": {"name": "ollama"},
    "spec": {"resources": {"requests": {"storage": "5Gi"}}},
    "status": {"phase": "Bound", "capacity": {"storage": "6Gi"}},
}
INFO = {"last_deployed": "2026-11-21T11:59:00Z"}
CHANGE = Update("update", "succeeded", NOW, NOW, "More memory", "c0ffee" * 6, False, "Ada", "", {"update": 1})


def ready(**parts: Any) -> Standing:
    found = {
        "deployments": [deployment(ready=1)],
        "replicasets": [replica_set()],
        "pods": [READY_POD],
        "persistentvolumeclaims": [CLAIM],
        "secrets": [record("ollama", 2, "deployed", INFO)],
    }
    revisions = parts.pop("revisions", ())
    return of_snapshot(snapshot(revisions=revisions, **(found | parts)))


def stack(**changes: Any) -> Status:
    models = Models(("llama3.2:1b",), ("llama3.2:1b",), ("llama3.2:1b",))
    found = Status("prod", "prod", "https://chat.example.com", (ready(),), models, CHANGE)
    return replace(found, **changes)


def screen(found: Status) -> str:
    out = io.StringIO()
    show(found, Console(file=out, width=140, highlight=False), NOW + timedelta(hours=3))
    return out.getvalue()


def test_all_of_a_stack_that_is_well_stands_on_one_screen() -> None:
    told = screen(stack(drift=False))
    assert len(told.splitlines()) < 24
    for words in (
        "Stack prod on prod",
        "ollama    ready",
        "2, 3 h ago",
        "1 of 1",
        "1 Bound",
        "https://chat.example.com",
        "llama3.2:1b (in memory)",
        "3 h ago: update succeeded, More memory, commit by Ada, at c0ffeec0",
        "Drift        no",
    ):
        assert words in told
    assert status.exit_code(stack()) == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": Models(("a:1", "b:2"), ("a:1",))}, "b:2 (missing)"),
        ({"models": Models(("a:1",), (), (), (Download(10**9, 4 * 10**9),))}, "1.0 GB of 4.0 GB of what has begun"),
        ({"models": Models(("a:1",), (), (), None)}, "could not tell: the files in its pod can't be listed"),
        ({"releases": (ready(pods=[pod()], deployments=[deployment()]),)}, "0 of 1"),
        ({"releases": (ready(pods=[], deployments=[deployment(replicas=2)]),)}, "0 of 2"),
        ({"releases": (replace(ready(), claims=(Claim("data", "Pending", "5Gi"),)),)}, "1 Pending: data"),
        ({"releases": (replace(ready(), state=State.PENDING),)}, "pending"),
        ({"drift": True}, "Drift        yes"),
    ],
)
def test_what_is_not_as_it_is_to_be_is_shown_and_is_exit_code_1(changes: dict[str, Any], told: str) -> None:
    found = stack(**changes)
    assert told in screen(found)
    assert status.exit_code(found) == 1
    assert status.exit_code(replace(found, unknown={"last change": "no backend"})) == 1


def test_what_could_not_be_told_is_said_with_the_reason_and_is_exit_code_2() -> None:
    found = stack(models=None, last_change=None, unknown={"models": "no kubelet", "last change": "no login"})
    told = screen(found)
    assert "Models       could not tell: no kubelet" in told
    assert "3 h ago: revision 2 of ollama; could not tell by whom: no login" in told
    assert status.exit_code(found) == 2


def test_a_release_that_is_not_installed_has_no_revision_and_no_pods() -> None:
    found = of_snapshot(snapshot(namespace_found=False))
    assert (found.state, found.revision, found.ready, found.pods, found.serving) == (
        State.NOT_INSTALLED,
        None,
        0,
        0,
        "",
    )
    told = screen(stack(releases=(found,), models=None, last_change=None))
    assert "not installed" in told and "none" in told


def test_ollama_is_asked_while_it_pulls_in_a_pod_that_is_not_ready() -> None:
    pulling = pod("ollama-5d7c-pulls", phase="Running", state={"running": {}})
    assert ready(pods=[pulling]).serving == "ollama-5d7c-pulls"
    assert ready(pods=[pulling, READY_POD]).serving == "ollama-5d7c-abcde"
    assert ready(pods=[pod()]).serving == ""


def test_values_are_not_part_of_what_a_program_reads() -> None:
    told = status.as_json(stack())
    assert told["releases"][0]["state"] == "ready"
    assert "values" not in told["releases"][0]["revision"]
    assert told["models"]["missing"] == ()


def test_drift_that_can_not_be_told_is_said_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any) -> bool:
        raise CouldNotTellError("the cluster was away")

    settings, unknown = load_settings("prod"), dict[str, str]()
    monkeypatch.setattr(status, "has_drift", no)
    assert status._drift(settings, None, unknown) is None
    assert unknown == {"drift": "the cluster was away"}
    monkeypatch.setattr(status, "has_drift", lambda *_: True)
    assert status._drift(settings, None, unknown) is True


def test_a_stack_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--stack", "no-such-stack"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err
