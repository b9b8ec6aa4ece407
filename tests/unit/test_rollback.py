"""The one run in which a release gets the inputs of an earlier revision."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from components.rollback import VARIABLE, Rollback, RollbackError
from tests.unit.deployment import attempt, deploy
from tests.unit.recording import NAMESPACE, PRIORITY_CLASS, QUOTA, RELEASE, ROLE, STACK, Secret

EARLIER = {"resources": {"limits": {"memory": "1Gi"}}, "persistentVolume": {"size": None}}


def earlier(stack: str = "prod", **values: Any) -> Rollback:
    # An older version than any that has a contract here.
    return Rollback(stack, "ollama", 3, "1.0.1", values or EARLIER)


@pytest.fixture
def going_back(monkeypatch: pytest.MonkeyPatch) -> Rollback:
    """The environment of a run that `ops rollback` starts."""
    for name, value in earlier().environment().items():
        monkeypatch.setenv(name, value)
    return earlier()


def test_a_rollback_takes_the_place_of_the_chart_version_and_all_values_of_its_release(going_back: Rollback) -> None:
    usual = pytest.MonkeyPatch()
    with usual.context() as without:
        without.delenv(VARIABLE)
        before = deploy("prod")
    after = deploy("prod")
    release = after.release("ollama")
    assert (release["version"], release["values"]) == ("1.0.1", EARLIER)
    (nulls,) = release["valueYamlFiles"]
    assert "size: null" in str(nulls)
    kept = {"version", "values", "valueYamlFiles"}
    assert {key: value for key, value in release.items() if key not in kept} == {
        key: value for key, value in before.release("ollama").items() if key not in kept
    }
    assert after.release("librechat") == before.release("librechat")
    assert {item.urn for item in after.registrations} == {item.urn for item in before.registrations}


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_a_release_that_goes_back_waits_for_nothing_that_may_not_be_deployed_yet(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The checksums in LibreChat's values depend on keys.
    values = {"podAnnotations": {"checksum/credentials": "earlier"}, "priorityClassName": f"{app}-pods-7"}
    ahead = {"access": {"operators": ["on-call"]}}
    usual = deploy("prod", ahead)
    for name, value in Rollback("prod", app, 3, "2.0.7", values).environment().items():
        monkeypatch.setenv(name, value)
    run = deploy("prod", ahead)
    waits_for = run.dependencies(run.one(RELEASE, app))
    quota = run.dependencies(run.one(QUOTA, f"{app}-quota"))
    allowed = {run.one(NAMESPACE, app).urn}
    classes = {item.urn for item in run.of_type(PRIORITY_CLASS) if item.name == f"{app}-pods-7"}
    assert waits_for == allowed | classes
    assert quota == {*waits_for, run.one(RELEASE, app).urn}
    roles = {item.urn for item in usual.of_type(ROLE) if item.name == f"{app}-operators"}
    assert roles and roles <= usual.dependencies(usual.one(RELEASE, app))
    other = {"ollama": "librechat", "librechat": "ollama"}[app]
    assert run.one(RELEASE, other).dependencies - classes == usual.one(RELEASE, other).dependencies


def test_a_run_like_any_other_is_no_rollback() -> None:
    assert Rollback.of_environment({}, "prod") is None
    assert Rollback.of_environment({VARIABLE: ""}, "prod") is None


def test_it_survives_the_way_through_the_environment_and_is_small_there() -> None:
    large = earlier(text="a line of librechat.yaml\n" * 20_000, number=3, nothing=None, list=[1, {"a": True}])
    environment = large.environment()
    assert Rollback.of_environment(environment, "prod") == large
    assert len(environment[VARIABLE]) < 128 * 1024


@pytest.mark.parametrize("text", ["x", "bm90IGd6aXA=", "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA=="])
def test_a_variable_that_holds_no_rollback_stops_the_program_before_any_resource(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    deployment = attempt("prod")
    assert isinstance(deployment.error, RollbackError)
    assert f"{VARIABLE} is set, but holds no rollback" in str(deployment.error)
    assert [item.type for item in deployment.registrations] == [STACK]


def test_a_rollback_of_another_stack_stops_the_program(going_back: Rollback) -> None:
    deployment = attempt("dev")
    assert isinstance(deployment.error, RollbackError)
    assert "for the stack prod, but this is dev" in str(deployment.error)


def test_a_value_stays_secret_where_the_programs_own_is() -> None:
    async def going_back() -> list[tuple[Any, bool]]:
        new = pulumi.Output.secret("new")
        program = {"map": {"key": new}, "list": [{"deep": new}, "c"], "text": new, "plain": pulumi.Output.from_input(1)}
        back = earlier(map={"key": "old"}, list=["d"], text="t", plain=2).in_place_of(program)
        outputs = [back["map"]["key"], back["list"], back["text"], back["plain"]]
        return [(await output.future(), await output.is_secret()) for output in outputs]

    assert asyncio.run(going_back()) == [("old", True), (["d"], True), ("t", True), (2, False)]


def test_a_value_that_the_program_does_not_have_is_plain_as_it_was() -> None:
    assert earlier(a={"b": 1}, c=[None]).in_place_of({"a": "text"}) == {"a": {"b": 1}, "c": [None]}


def test_the_real_checksums_of_librechat_stay_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"podAnnotations": {"checksum/credentials": "earlier"}, "mongodb": {"enabled": False}}
    for name, value in Rollback("prod", "librechat", 1, "2.0.7", values).environment().items():
        monkeypatch.setenv(name, value)
    found = deploy("prod").release("librechat")["values"]
    assert found == values
    assert not isinstance(found["podAnnotations"]["checksum/credentials"], Secret)
