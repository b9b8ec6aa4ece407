"""What `heal` leaves in the stack's history; that it heals is in tests/engine/test_drift_commands.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from components.loading import PROJECT_DIR
from ops import heal
from ops.backend import Backend, BackendError, DeployedRelease
from ops.drift_reading import by_engine, healing
from ops.drift_reading.asking import Look
from ops.drift_reading.drifted import Report
from ops.drift_reading.entries import Drift
from ops.drift_reading.healing import Healed

SCALED = Drift("ollama", "ollama", "Deployment/ollama", "changed", "spec.replicas", "1", "3", "kubectl")
LINE = "Deployment/ollama spec.replicas 3 → 1 (kubectl)"
FAILED = "PersistentVolumeClaim/by-hand: a claim holds data that nothing brings back"
AFTER = Report("ollama", "ollama")


@dataclass
class Desk:
    """What healing comes to, what is noted of it, and what the engine then says."""

    done: Healed = field(default_factory=Healed)
    noted: list[Mapping[str, Healed]] = field(default_factory=list)
    failure: BackendError | None = None


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()

    def note(_: Backend, healed: Mapping[str, Healed]) -> None:
        desk.noted.append(healed)
        if desk.failure:
            raise desk.failure

    look = Look("prod", "prod", [AFTER], 0.1)
    monkeypatch.setattr(heal, "reached", lambda *_: nullcontext())
    monkeypatch.setattr(heal, "look", lambda *_: look)
    monkeypatch.setattr(healing, "heal", lambda *_, **__: desk.done)
    monkeypatch.setattr(by_engine, "note_in_history", note)
    return desk


def test_what_was_healed_is_noted_although_something_else_could_not_be(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.done = Healed(healed=[SCALED], failed=[FAILED], after=AFTER)
    assert heal.main(["--stack", "prod", "--prune"]) == 1
    (noted,) = desk.noted
    assert noted["ollama"].lines == [LINE]
    told = capsys.readouterr()
    assert f"healed: {LINE}" in told.out and f"not healed: {FAILED}" in told.err


@pytest.mark.parametrize("done", [Healed(), Healed(failed=[FAILED]), Healed(healed=[SCALED], failed=["it is away"])])
def test_nothing_is_noted_where_nothing_was_healed_or_the_cluster_is_gone_since(desk: Desk, done: Healed) -> None:
    desk.done = done
    assert heal.main(["--stack", "prod"]) == (1 if done.failed else 0)
    assert desk.noted == []


def test_a_history_that_could_not_be_written_is_said_and_what_was_healed_stays_so(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.done, desk.failure = Healed(healed=[SCALED], after=AFTER), BackendError("the stack is locked")
    assert heal.main(["--stack", "prod"]) == 0
    assert "history does not say what was healed: the stack is locked" in capsys.readouterr().err


@pytest.mark.parametrize(("failed", "seen"), [([], "guard"), ([FAILED], "release")])
def test_a_guard_is_looked_at_only_where_it_is_clean_now(
    monkeypatch: pytest.MonkeyPatch, failed: list[str], seen: str
) -> None:
    asked: list[tuple[Sequence[str], str]] = []
    urns: dict[str, Any] = {
        "release": "urn:pulumi:prod::p::kubernetes:helm.sh/v3:Release::ollama",
        "guard": f"urn:pulumi:prod::p::x{by_engine.GUARD}ollama",
    }
    releases = [
        DeployedRelease(urns["release"], "ollama", "ollama", (urns["guard"],)),
        DeployedRelease("other", "librechat", "librechat"),
    ]
    monkeypatch.setattr(Backend, "releases", lambda _: releases)
    monkeypatch.setattr(Backend, "refresh", lambda _, targets, message: asked.append((targets, message)))
    healed = {"ollama": Healed(healed=[SCALED], failed=failed), "librechat": Healed(failed=["all of it"])}
    by_engine.note_in_history(Backend("prod", PROJECT_DIR), healed)
    ((targets, message),) = asked
    assert targets == [urns[seen]] and message.endswith(f": {LINE}")
