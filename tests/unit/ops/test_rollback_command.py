"""Which revision `rollback` goes back to, and what it says it will change."""

from __future__ import annotations

import io
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.loading import PROJECT_DIR
from ops import rollback
from ops.backend import Backend, DeployedRelease, Update, releases_in
from ops.helm_records import Record, current, records_in
from ops.rollback import Plan, RefusedError, changed_keys, choose, find, roll_back
from tests.unit.ops.why_objects import record


def made(number: int, status: str = "superseded", memory: str = "1Gi", chart: str = "1.77.0") -> Record:
    return Record(number, status, None, f"about {number}", "ollama", chart, "", {"memory": memory})


def chosen(*records: Record, number: int | None = None) -> tuple[int, int]:
    present, target = choose(records, number, "prod")
    return present.number, target.number


def test_without_a_number_it_is_the_last_good_one_that_was_made_of_something_else() -> None:
    healed = [made(1, memory="2Gi"), made(2), made(3), made(4, "deployed")]
    assert chosen(*healed) == (4, 1), "a heal makes a revision of the same values"
    assert chosen(made(1, chart="1.76.0"), made(2, "failed", "9Gi"), made(3, "deployed")) == (3, 1)


def test_a_revision_that_fails_is_not_the_present_one() -> None:
    # Without `atomic` helm leaves the failed one last.
    assert chosen(made(1, memory="2Gi"), made(2, "deployed"), made(3, "failed")) == (2, 1)


def test_a_number_is_that_revision_whatever_lies_between() -> None:
    assert chosen(made(1, memory="2Gi"), made(2, memory="3Gi"), made(3, "deployed"), number=1) == (3, 1)


@pytest.mark.parametrize(
    ("records", "number", "told"),
    [
        ([], None, "helm has no record of the release"),
        ([made(1, "deployed")], None, "no earlier revision that was ready"),
        ([made(1), made(2, "deployed")], None, "no earlier revision that was ready"),
        ([made(1, "failed", "2Gi"), made(2, "deployed")], None, "no earlier revision that was ready"),
        ([made(1), made(2, "deployed")], 7, "there is no revision 7; helm keeps: 1, 2"),
        ([made(1), made(2, "deployed")], 2, "revision 2 is the one that runs now; those that were ready before: 1"),
        ([made(1, "deployed")], 1, "revision 1 is the one that runs now; no other was ever ready"),
        ([made(1, "failed"), made(2, "deployed")], 1, "revision 1 is failed: it never was ready (about 1)"),
        ([made(1, "deployed"), made(2, "pending-upgrade")], 1, "If none is: python -m ops recover --stack prod"),
        ([Record(1, "superseded"), made(2, "deployed")], 1, "the record of revision 1 is packed in a way"),
        ([Record(1, "superseded"), made(2, "deployed")], None, "no earlier revision that was ready"),
    ],
)
def test_where_there_is_no_way_back_it_says_why(records: list[Record], number: int | None, told: str) -> None:
    with pytest.raises(RefusedError) as error:
        choose(records, number, "prod")
    assert told in str(error.value)


def test_what_would_change_is_told_by_keys_and_never_by_values() -> None:
    before = {"a": {"b": "secret-1", "c": 1}, "list": [1], "gone": "x", "same": {"x": 1}}
    after = {"a": {"b": "secret-2", "c": 1}, "list": [2], "same": {"x": 1}, "new": {"y": 1}}
    assert list(changed_keys(before, after)) == ["a.b", "gone", "list", "new"]
    assert list(changed_keys(after, after)) == []
    assert list(changed_keys({"a": 1}, {"a": {"b": 1}})) == ["a"]


def test_helms_records_tell_values_and_chart_and_one_that_is_packed_otherwise_only_its_number() -> None:
    unreadable: Any = {**record("ollama", 2, "deployed", {}), "data": {"release": "bm90IGd6aXA="}}
    first, second = records_in("ollama", [unreadable, record("ollama", 1, "superseded", {}), record("x", 3, "d", {})])
    assert (first.number, first.values, second.number, second.values) == (1, {}, 2, None)
    assert current([first, second]) == second
    assert current([]) is None


RELEASE: dict[str, Any] = {
    "type": "kubernetes:helm.sh/v3:Release",
    "parent": "app",
    "inputs": {"name": "ollama", "namespace": "ns"},
}


def test_the_guard_of_a_release_goes_back_with_it() -> None:
    resources: list[dict[str, Any]] = [
        {"urn": "namespace", "type": "kubernetes:core/v1:Namespace", "parent": "app", "dependencies": []},
        {**RELEASE, "urn": "release", "dependencies": ["namespace"]},
        {"urn": "guard", "type": "pulumi-python:dynamic:ReleaseGuard", "parent": "release", "dependencies": []},
        {"urn": "other", "type": "kubernetes:core/v1:Secret", "parent": "librechat", "dependencies": ["release"]},
        {**RELEASE, "urn": "old", "delete": True},
    ]
    (found,) = releases_in(resources)
    assert (found.urn, found.name, found.namespace, found.below) == ("release", "ollama", "ns", ("guard",))
    assert find("ollama", [found]) == found
    with pytest.raises(RefusedError, match="no release 'librechat'; its releases: ollama"):
        find("librechat", [found])
    with pytest.raises(RefusedError, match="none: nothing is deployed"):
        find("ollama", [])


def test_only_the_release_what_goes_back_with_it_and_the_classes_beside_it_are_deployed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(Backend, "up", lambda _, targets, *rest: asked.append(targets))
    beside = "urn:pulumi:prod::private-chatgpt::chat:components:HelmApp$kubernetes"
    release = DeployedRelease(f"{beside}:helm.sh/v3:Release::ollama", "ollama", "ns", ("guard",))
    roll_back(Backend("prod", PROJECT_DIR), Plan(release, made(2), made(1)))
    assert asked == [[release.urn, "guard", f"{beside}:scheduling.k8s.io/v1:PriorityClass::*"]]


def test_a_stack_that_is_not_there_is_said_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert rollback.main(["--stack", "no-such-stack", "--release", "ollama"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        rollback.main(["--stack", "prod"])
    assert "--release" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("n", False), ("", False)])
def test_it_asks_a_person_after_saying_what_it_would_change(
    answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(DeployedRelease("urn", "ollama", "ns"), made(2, "deployed"), made(1, memory="2Gi", chart="1.76.0"))
    assert rollback._agreed(plan, yes=True, quiet=False)
    with pytest.raises(RefusedError, match="say --yes"):
        rollback._agreed(plan, yes=False, quiet=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert rollback._agreed(plan, yes=False, quiet=False) is agreed
    told, asked = capsys.readouterr()
    assert "Roll back? [y/N]" in asked
    assert "ollama: from revision 2 back to 1 (chart 1.76.0)" in told
    assert "changes chart version (1.77.0 → 1.76.0)" in told
    assert "changes memory" in told and "2Gi" not in told
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert not rollback._agreed(plan, yes=False, quiet=True), "Ctrl-D"
    told, asked = capsys.readouterr()
    assert told == "" and asked.endswith("Nothing was changed.\n")


def test_a_release_that_is_not_what_it_was_names_the_command_that_tells_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = Plan(DeployedRelease("urn", "ollama", "ns"), made(2), made(1, memory="2Gi"))
    update = cast("Update", SimpleNamespace(changed=1))
    assert rollback._report("prod", plan, update, [made(3, "deployed")], 1.0, as_json=False) == 1
    assert "python -m ops history --stack prod --release ollama\n" in capsys.readouterr().out
