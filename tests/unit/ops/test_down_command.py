"""What `down` says and decides; that it is true is in tests/engine/test_down.py."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from ops import down
from ops.losses import Claim, Losses, _fate

CLAIM = Claim("ollama", "models", "40Gi", "deleted", kept_by_helm=True)
HELD = Losses(("models",), (CLAIM,), ("librechat-creds-key",), protected=3)


def test_every_loss_is_told_with_what_becomes_of_it() -> None:
    second = replace(CLAIM, name="chat", volume="stays (reclaim policy Retain)", kept_by_helm=False)
    third = replace(CLAIM, name="images", volume="none yet", kept_by_helm=False)
    lines = down.told(replace(HELD, claims=(CLAIM, second, third)), "prod")
    assert "    claim ollama, 40Gi: its volume and what it holds are deleted" in lines
    assert "    claim chat, 40Gi: its volume stays (reclaim policy Retain)" in lines
    assert "    claim images, 40Gi: its volume was never made" in lines
    (helm,) = [line for line in lines if "Helm will say" in line]
    assert "that ollama " in helm and "chat" not in helm


def test_keys_that_were_brought_along_are_no_loss() -> None:
    assert "creds" in "\n".join(down.told(HELD, "prod"))
    rest = "\n".join(down.told(replace(HELD, keys=("librechat-annotation-salt",)), "prod"))
    assert "librechat-annotation-salt" in rest and "creds" not in rest


def test_an_empty_stack_loses_nothing() -> None:
    assert down.told(Losses((), (), (), 0), "prod") == [
        "Stack prod holds no namespace and no key: nothing of value would be lost."
    ]


def test_the_step_that_allows_it_is_named_for_the_file_and_for_the_state() -> None:
    by_file = down.refusal("prod", True, 3)
    assert (
        by_file and "pulumi config set private-chatgpt:protect false --stack prod && pulumi up --stack prod" in by_file
    )
    by_state = down.refusal("prod", False, 3)
    assert by_state and "config set" not in by_state and "pulumi up --stack prod" in by_state
    assert down.refusal("prod", True, 0), "what is not deployed yet is protected too"
    assert down.refusal("prod", False, 0) is None


@pytest.mark.parametrize(("policy", "fate"), [("Delete", "deleted"), ("Retain", "stays (reclaim policy Retain)")])
def test_the_reclaim_policy_decides_over_a_volume(monkeypatch: pytest.MonkeyPatch, policy: str, fate: str) -> None:
    spec = SimpleNamespace(persistent_volume_reclaim_policy=policy)
    monkeypatch.setattr(client.CoreV1Api, "read_persistent_volume", lambda *a, **m: SimpleNamespace(spec=spec))
    assert _fate(client.CoreV1Api(), "pv-1") == fate
    assert _fate(client.CoreV1Api(), None) == "none yet"


def test_a_volume_that_may_not_be_read_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: Any, **more: Any) -> Any:
        raise client.ApiException(status=403)

    monkeypatch.setattr(client.CoreV1Api, "read_persistent_volume", read)
    assert _fate(client.CoreV1Api(), "pv-1") == "not known"


def test_a_stack_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert down.main(["--stack", "no-such-stack"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err
