"""`rotate` where no engine is asked: what it refuses, and what it says that a key does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from pulumi.automation import CommandError, CommandResult

from components.formats import KEY_LENGTHS
from components.settings import KeyName
from ops import rotate
from ops.rotation.engine import GeneratedKey
from ops.rotation.keys import CONSEQUENCES
from tests.unit.deployment import ABSENT, load_settings


def test_every_key_that_is_generated_can_be_asked_for() -> None:
    assert set(CONSEQUENCES) == set(KEY_LENGTHS) == set(get_args(KeyName))


@pytest.mark.parametrize("key", ["CREDS_KEY", "CREDS_IV"])
def test_keys_of_stored_credentials_are_refused_with_the_reason_unless_forced(key: KeyName) -> None:
    settings = load_settings("prod")
    reason = rotate.refusal(settings, key, forced=False)
    assert reason is not None and "unreadable" in reason and f"--stack prod {key} --force" in reason
    assert rotate.refusal(settings, key, forced=True) is None


@pytest.mark.parametrize("key", [key for key in KEY_LENGTHS if not key.startswith("CREDS")])
def test_every_other_generated_key_is_replaced(key: KeyName) -> None:
    assert rotate.refusal(load_settings("prod"), key, forced=False) is None


def test_a_key_that_was_brought_along_is_not_replaced_even_by_force() -> None:
    changes = {"librechat": {"keys": {"JWT_SECRET": "ab" * 32}}}
    settings = load_settings("prod", changes, encrypted=["librechat"])
    for forced in (False, True):
        reason = rotate.refusal(settings, "JWT_SECRET", forced=forced)
        assert reason is not None and "abab" not in reason
        assert "pulumi config set --stack prod --secret --path 'private-chatgpt:librechat.keys.JWT_SECRET'" in reason


def test_a_key_or_stack_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        rotate.main(["--stack", "prod", "JWT"])
    assert left.value.code == 2 and "JWT_REFRESH_SECRET" in capsys.readouterr().err
    assert rotate.main(["--stack", "no-such-stack", "JWT_SECRET"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err


def test_a_refused_key_is_refused_before_the_engine_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert rotate.main(["--stack", "prod", "CREDS_KEY", "--yes"]) == 1
    said = capsys.readouterr()
    assert "Nothing was changed" in said.err and said.out == ""


class PlayedStack:
    """A stack whose key is protected; what is asked of it is written down, and one step of it fails."""

    key = GeneratedKey("urn:pulumi:prod::p::t::librechat-jwt-secret", "an-old-value", protected=True)

    def __init__(self, failing: str = "", protected: bool = True) -> None:
        self.asked: list[str] = []
        self.failing = failing
        self.key = replace(self.key, protected=protected)

    def __getattr__(self, step: str) -> Callable[..., None]:
        def called(*_: object, **__: object) -> None:
            self.asked.append(step)
            if step == self.failing:
                raise CommandError(CommandResult(stdout="", stderr="no luck", code=255))

        return called

    def waiting(self) -> list[str]:
        return []

    def state(self) -> dict[str, Any]:
        return {"resources": []}

    def generated_key(self, _: str) -> GeneratedKey:
        return self.key if "up" not in self.asked else replace(self.key, value="a-new-one", protected=True)


def rotated(stack: PlayedStack, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("ops.rotation.engine.DeployedStack", lambda *_: stack)
    return rotate.main(["--stack", "prod", "JWT_SECRET", "--yes"])


def test_the_key_may_go_before_the_number_says_so_since_a_plain_up_must_go_on_from_wherever_it_was_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = PlayedStack()
    assert rotated(stack, monkeypatch) == 0
    assert stack.asked == ["unprotect", "count_up", "up"]


def test_a_key_that_an_earlier_run_left_without_protection_is_replaced_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = PlayedStack(protected=False)
    assert rotated(stack, monkeypatch) == 0
    assert stack.asked == ["count_up", "up"]


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("unprotect", "Not begun: Pulumi.prod.yaml stays as it is"),
        ("count_up", "Not begun: Pulumi.prod.yaml stays as it is"),
        ("up", "Not ended: Pulumi.prod.yaml has librechat.rotation.JWT_SECRET: 1"),
    ],
)
def test_what_fails_half_way_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failing: str, said: str
) -> None:
    stack = PlayedStack(failing)
    assert rotated(stack, monkeypatch) == 1
    told = capsys.readouterr().err
    assert told.startswith(said) and "no luck" in told and stack.asked[-1] == failing


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_whoever_ends_the_question_replaces_nothing_and_programs_read_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: type[BaseException]
) -> None:
    def ended() -> str:
        raise end

    stack = PlayedStack()
    monkeypatch.setattr("ops.rotation.engine.DeployedStack", lambda *_: stack)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", ended)
    assert rotate.main(["--stack", "prod", "JWT_SECRET", "--json"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "Nothing was changed." in told.err and stack.asked == []


def test_without_pulumi_the_way_to_it_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rotate.main(["--stack", "prod", "JWT_SECRET", "--yes"]) == 2
    assert "make toolchain" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("brought", "key"),
    [
        ({"credentials": {"secret": "keys"}}, "CREDS_KEY"),
        ({"mongodb": {"secret": "mongo"}, "storage": {"mongodb": ABSENT}}, "MONGODB_PASSWORD"),
        (
            {"meilisearch": {"host": "http://s:7700", "secret": "s"}, "storage": {"meilisearch": ABSENT}},
            "MEILI_MASTER_KEY",
        ),
    ],
)
def test_a_key_of_somebody_elses_secret_is_not_replaced_even_by_force(brought: dict[str, Any], key: KeyName) -> None:
    settings = load_settings("prod", {"librechat": brought, "network": {"policies": False}})
    for forced in (False, True):
        reason = rotate.refusal(settings, key, forced=forced)
        assert reason is not None and "Change it where it comes from" in reason
        assert "kubectl -n librechat rollout restart deployment/librechat" in reason
    assert rotate.refusal(settings, "JWT_SECRET", forced=True) is None or "credentials" in brought
