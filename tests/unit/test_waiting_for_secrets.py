"""Before a release is begun, `up` waits a while for Secrets that others make, and then asks preflight."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
import pytest
from kubernetes import client

from components.charts import LIBRECHAT, ChartLocation
from components.existing import ExistingSecret
from components.release_hooks import Plan, PreflightError, _Gate, _Hooks, secrets_hooks
from ops import preflight
from ops.diagnosis.reading import UnreachableError
from ops.preflight_checks import running, waiting
from ops.preflight_checks.findings import Finding, Result
from ops.recovery import records
from tests.unit.deployment import load_settings

SECRETS = (
    ExistingSecret("keys", "librechat.credentials.secret", {"CREDS_KEY": "CREDS_KEY"}),
    ExistingSecret("keys", "librechat.mongodb.secret", {"MONGO_URI": "MONGO_URI"}),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked, in order: the wait with its arguments, then preflight with its release."""
    seen: list[Any] = []
    monkeypatch.setattr(records, "refusal", lambda *_: None)
    monkeypatch.setattr(waiting, "wait_for_secrets", lambda *arguments: seen.append(arguments[:4]))

    def preflight_release(release: Any, *_: Any) -> list[Finding]:
        seen.append(release)
        return []

    monkeypatch.setattr(preflight, "preflight_release", preflight_release)
    return seen


def plan_of(existing: tuple[ExistingSecret, ...], **preflight_settings: Any) -> Plan:
    """A release that reads these Secrets."""
    platform = load_settings("prod", {"preflight": preflight_settings}).platform
    return Plan(platform, "librechat", "chat", LIBRECHAT, ChartLocation("./c"), {}, {}, {}, (), existing)


def before(existing: tuple[ExistingSecret, ...], **preflight_settings: Any) -> None:
    """Run the hook of a release that reads these Secrets."""
    hook = pulumi.ResourceHookArgs("urn", "id", "librechat", "type", new_inputs={"values": {}})
    asyncio.run(_Hooks(plan_of(existing, **preflight_settings)).before(hook))


def test_it_waits_for_each_secret_once_then_the_check_has_the_word(asked: list[Any]) -> None:
    before(SECRETS)
    wait, release = asked
    assert wait == ("prod", "chat", ["keys"], 30)
    assert release.existing_secrets == SECRETS


def test_the_seconds_are_a_setting(asked: list[Any]) -> None:
    before(SECRETS, waitForSecrets=5)
    assert asked[0][3] == 5


def test_without_such_secrets_or_with_the_check_off_nobody_waits(asked: list[Any]) -> None:
    before(())
    before(SECRETS, off={"secrets": "they come with the node"})
    assert [type(item).__name__ for item in asked] == ["Release", "Release"]


# --- before anything beside the release changes -----------------------------------------------------------------------


MISSING = Finding(Result.FAILED, "Secret keys is not there", "Make it", "secrets", "librechat")


@pytest.mark.parametrize("found", [[], [MISSING]], ids=["well", "missing"])
def test_many_resources_ask_for_the_secrets_once(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, found: list[Finding]
) -> None:
    looks: list[Any] = []

    def examine_secrets(release: Any, *_: Any) -> list[Finding]:
        looks.append(release)
        return found

    monkeypatch.setattr(running, "examine_secrets", examine_secrets)
    gate = _Gate(plan_of(SECRETS))
    hook = pulumi.ResourceHookArgs("urn", "id", "allow-librechat", "type")

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(gate.before(hook) for _ in range(8)), return_exceptions=True)

    results = asyncio.run(all_at_once())
    assert len(looks) == 1 and looks[0].existing_secrets == SECRETS
    assert len(asked) == 1, "and there is one wait"
    expected = [PreflightError] * 8 if found else [type(None)] * 8
    assert [type(result) for result in results] == expected
    assert all("secrets (librechat): Secret keys is not there" in str(result) for result in results if found)


def test_a_release_that_reads_no_secret_of_others_has_no_such_hook() -> None:
    assert secrets_hooks(plan_of(())) is None


# --- the wait itself --------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a cluster answers for a Secret, one answer after another, the last one for ever; an exception is raised."""
    answers: list[Any] = []

    @contextmanager
    def connect(*_: Any) -> Iterator[None]:
        yield None

    def read_one(*_: Any) -> Any:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(waiting, "connect", connect)
    monkeypatch.setattr(waiting, "read_one", read_one)
    monkeypatch.setattr(waiting, "EVERY", 0.01)
    return answers


def waited(seconds: float) -> list[str]:
    """What was said while it waited."""
    said: list[str] = []
    waiting.wait_for_secrets("prod", "chat", ["keys"], seconds, said.append)
    return said


def test_a_secret_that_is_there_is_not_waited_for(cluster: list[Any]) -> None:
    cluster.append({"data": {}})
    assert waited(60) == []


def test_a_secret_that_comes_ends_the_wait(cluster: list[Any]) -> None:
    cluster += [None, None, None, {"data": {}}]
    assert waited(60) == ["Waits up to 60 s for Secrets that others make in namespace chat: keys"]
    assert len(cluster) == 1, "it was asked four times"


def test_the_wait_ends_with_its_time_and_none_is_none(cluster: list[Any]) -> None:
    cluster.append(None)
    assert len(waited(0.05)) == 1
    assert waited(0) == []


@pytest.mark.parametrize("error", [client.ApiException(status=403), OSError("gone"), UnreachableError("no context")])
def test_a_cluster_that_does_not_tell_is_left_to_the_check(cluster: list[Any], error: Exception) -> None:
    cluster += [None, error]
    assert len(waited(60)) == 1
