"""What the hooks of a release decide; that `pulumi up` runs them is in tests/engine/test_release_hooks.py."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import pulumi
import pytest

from components.charts import OLLAMA, ChartLocation
from components.loading import PROJECT_DIR
from components.release_hooks import Plan, PreflightError, _Hooks
from ops import diagnosis, preflight
from ops.preflight_checks.findings import REACHABLE, Finding, Result
from ops.recovery import records
from tests.unit.deployment import load_settings

VALUES = {"values": {"replicaCount": 1, "podAnnotations": {"checksum": "c"}}}
T = TypeVar("T")


def hooks() -> _Hooks:
    settings = load_settings("prod", {"preflight": {"off": {"gpu": "an autoscaler"}}})
    location = ChartLocation("./charts/ollama")
    nulls = {"ingress": None}
    return _Hooks(Plan(settings.platform, "ollama", "models", OLLAMA, location, nulls, {"a": "b"}, {"l": "v"}, ("s",)))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def before(of: _Hooks) -> None:
    run(of.before(pulumi.ResourceHookArgs("urn", "id", "ollama", "type", new_inputs=VALUES)))


def on_error(of: _Hooks, *errors: str, operation: str = "create") -> bool:
    args = pulumi.ErrorHookArgs("urn", "id", "ollama", "type", VALUES, failed_operation=operation, errors=list(errors))
    return run(of.on_error(args))


# --- before -----------------------------------------------------------------------------------------------------------


def finding(result: Result, check: str = "gpu") -> Finding:
    return Finding(result, "what was found", "what to do", check, "ollama")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What preflight was asked; `findings` in it is what it says, `half_done` what helm's record does."""
    seen: dict[str, Any] = {"findings": [], "half_done": None}

    def preflight_release(*arguments: Any) -> list[Finding]:
        seen["arguments"] = arguments
        return list(seen["findings"])

    def refusal(*arguments: Any) -> str | None:
        seen["record"] = arguments
        half_done: str | None = seen["half_done"]
        return half_done

    monkeypatch.setattr(preflight, "preflight_release", preflight_release)
    monkeypatch.setattr(records, "refusal", refusal)
    return seen


def test_a_check_that_failed_stops_the_release_with_its_words(asked: dict[str, Any]) -> None:
    asked["findings"] = [finding(Result.OK, "names"), finding(Result.FAILED)]
    with pytest.raises(PreflightError) as refused:
        before(hooks())
    assert "gpu (ollama): what was found\n    what to do" in str(refused.value)
    assert "names" not in str(refused.value)


@pytest.mark.parametrize("findings", [[], [finding(Result.OK)], [finding(Result.UNKNOWN), finding(Result.OFF)]])
def test_what_could_not_be_told_or_is_off_stops_nothing(asked: dict[str, Any], findings: list[Finding]) -> None:
    asked["findings"] = findings
    before(hooks())


def test_a_cluster_that_is_away_is_left_to_helm_whose_failure_may_be_tried_again(asked: dict[str, Any]) -> None:
    asked["findings"] = [finding(Result.FAILED, REACHABLE), finding(Result.UNKNOWN)]
    before(hooks())
    assert asked["arguments"]


def test_a_release_that_is_half_done_is_stopped_with_no_further_question(asked: dict[str, Any]) -> None:
    asked["half_done"] = "pending: make recover"
    with pytest.raises(PreflightError, match="pending: make recover"):
        before(hooks())
    assert "arguments" not in asked, "preflight was not asked"
    assert asked["record"] == ("prod", "prod", None, records.ReleaseName("ollama", "models"))


def test_the_release_is_asked_about_as_the_engine_has_it_and_with_what_the_stack_switches_off(
    asked: dict[str, Any],
) -> None:

    async def with_a_secret() -> None:
        values = {"env": [{"value": pulumi.Output.secret("a password")}], "ingress": {"enabled": True}}
        await of.before(pulumi.ResourceHookArgs("urn", "id", "ollama", "type", new_inputs={"values": values}))

    of = hooks()
    run(with_a_secret())
    release, switched, context = asked["arguments"]
    assert (release.name, release.namespace, release.chart) == ("ollama", "models", OLLAMA)
    assert release.values == {"env": [{"value": ""}], "ingress": None}, "secrets are left out, nulls are back"
    assert (release.settings, release.labels, release.secrets) == ({"a": "b"}, {"l": "v"}, ("s",))
    assert (switched.off, context) == ({"gpu": "an autoscaler"}, "prod")


# --- after a failure --------------------------------------------------------------------------------------------------


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `why` was asked and what was printed; `transient` in it is what it says."""
    seen: dict[str, Any] = {"transient": False, "printed": []}

    def explain_failure(*arguments: Any, **more: Any) -> diagnosis.Explanation:
        seen["arguments"] = (*arguments, more)
        return diagnosis.Explanation(("ollama: because",), seen["transient"])

    monkeypatch.setattr(diagnosis, "explain_failure", explain_failure)
    for kind in ("warn", "error"):
        monkeypatch.setattr(pulumi.log, kind, lambda text, kind=kind: seen["printed"].append((kind, text)))
    return seen


def test_a_failure_is_explained_from_the_moment_on_that_the_release_began(
    explained: dict[str, Any], asked: dict[str, Any]
) -> None:
    of = hooks()
    before(of)
    assert on_error(of, "context deadline exceeded") is False
    assert explained["printed"] == [("error", "Why release ollama failed\nollama: because")]
    context, kubeconfig, namespace, release, since, more = explained["arguments"]
    assert (context, kubeconfig, namespace, release) == ("prod", None, "models", "ollama")
    assert since is not None and since.tzinfo is not None
    assert more["errors"] == ["context deadline exceeded"]
    assert more["values"]["replicaCount"] == 1


def test_a_cause_that_may_go_away_is_tried_once_more_and_only_once(explained: dict[str, Any]) -> None:
    explained["transient"] = True
    of = hooks()
    assert on_error(of, "connection refused") is True
    (kind, text) = explained["printed"][-1]
    assert kind == "warn" and "(it may be temporary: trying once more)" in text
    assert on_error(of, "connection refused", "connection refused") is False
    assert explained["printed"][-1][0] == "error"


def test_a_release_that_could_not_be_deleted_is_not_explained_as_one_that_is_not_ready(
    explained: dict[str, Any],
) -> None:
    explained["transient"] = True
    assert on_error(hooks(), "connection refused", operation="delete") is False
    assert "arguments" not in explained and not explained["printed"]


def test_the_program_starts_without_what_only_hooks_need() -> None:
    heavy = ("kubernetes", "rich", "ops.preflight", "ops.diagnosis")
    script = f"import sys, components; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
