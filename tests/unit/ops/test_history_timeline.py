"""Which update made which revision, and what the table says of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pulumi import automation

from ops import history
from ops.backend import Update
from ops.helm_records import Record
from ops.timeline import Entry, timeline
from tests.unit.ops.why_objects import NOW


def update(
    minute: int, message: str = "", result: str = "succeeded", kind: str = "update", seconds: int = 20
) -> Update:
    start = NOW + timedelta(minutes=minute)
    return Update(kind, result, start, start + timedelta(seconds=seconds), message, "c0ffee" * 6, True, "Ada", "", {})


def revision(number: int, minute: int, seconds: float = 5.5, status: str = "superseded") -> Record:
    return Record(number, status, NOW + timedelta(minutes=minute, seconds=seconds), "Upgrade complete")


def paired(entries: list[Entry]) -> list[tuple[int | None, str | None]]:
    return [
        (entry.revision.number if entry.revision else None, entry.update.message if entry.update else None)
        for entry in entries
    ]


def test_a_revision_belongs_to_the_update_during_which_helm_began_with_it() -> None:
    first, second, nothing = update(0, "first"), update(10, "second"), update(20, "nothing of this release")
    records = [revision(1, 0), revision(2, 10), revision(3, 15)]
    assert paired(timeline(records, [nothing, second, first])) == [
        (None, "nothing of this release"),
        (3, None),
        (2, "second"),
        (1, "first"),
    ]


def test_an_upgrade_that_failed_and_its_way_back_belong_to_the_same_update() -> None:
    failed = update(0, "too much", "failed")
    records = [revision(2, 0, status="failed"), revision(3, 0, 12, "deployed")]
    assert paired(timeline(records, [failed])) == [(3, "too much"), (2, "too much")]


def test_whole_seconds_in_the_stacks_history_lose_no_revision() -> None:
    # The update ended within the second that helm's time lies in.
    assert paired(timeline([revision(1, 0, 20.9)], [update(0, "u")])) == [(1, "u")]
    # Two updates that touch: the one that had begun.
    one, other = update(0, "one", seconds=60), update(1, "other")
    assert paired(timeline([revision(1, 1, 0.5)], [one, other]))[0] == (1, "other")
    assert paired(timeline([revision(1, 0, 59.7)], [other, one]))[-1] == (1, "one")


def test_a_refresh_makes_no_revision() -> None:
    assert paired(timeline([revision(1, 0)], [update(0, "looked", kind="refresh")])) == [(1, None), (None, "looked")]


def test_a_revision_of_which_only_the_number_is_known_comes_last() -> None:
    assert paired(timeline([Record(1, "superseded"), revision(2, 1)], [])) == [(2, None), (1, None)]
    assert timeline([], []) == []


def test_the_table_tells_who_and_what_and_that_the_checkout_was_not_clean() -> None:
    cells = history.cells(Entry(revision(2, 0, status="deployed"), update(0, "More memory", "failed")))
    assert cells[0] == "2026-11-21 12:00:05"
    assert cells[1:4] == ("2", "", "deployed: Upgrade complete")
    assert cells[4:] == ("update failed: More memory", "commit by Ada", "c0ffeec0*")
    assert history.cells(Entry(revision(2, 0), None))[4:] == ("not in the stack's history", "", "")
    assert history.cells(Entry(None, update(0)))[1:4] == ("", "", "made no revision of it")


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        ({"git.author": "Ada", "git.author.email": "ada@example.com"}, "commit by Ada"),
        (
            {"git.author": "Ada", "ci.system": "GitHub Actions", "ci.build.id": "77", "ci.build.number": "7"},
            "GitHub Actions 7",
        ),
        (
            {"ci.system": "GitLab CI/CD", "ci.build.id": "77", "ci.build.url": "https://x/77"},
            "GitLab CI/CD 77 https://x/77",
        ),
        ({}, ""),
    ],
)
def test_who_it_was_is_the_ci_run_else_the_author_of_the_commit(environment: dict[str, str], who: str) -> None:
    changes: Any = {"same": 3, "update": 1, "create": 2}
    known = {"git.head": "abc", "git.dirty": "true", **environment}
    start = datetime(2026, 11, 21, 12)
    summary = automation.UpdateSummary("update", start, "m", known, {}, "succeeded", resource_changes=changes)
    found = Update.of(summary)
    assert (found.who, found.changed, found.dirty, found.end) == (who, 3, True, None)
    assert found.start == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_values_are_not_part_of_what_a_program_reads() -> None:
    entry = Entry(Record(1, "deployed", NOW, values={"password": "x"}), None)
    told = history.as_json(entry)
    assert told["helm"]["revision"] == 1
    assert "password" not in str(told)
