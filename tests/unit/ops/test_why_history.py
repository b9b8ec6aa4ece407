"""Helm's records and the API's events, as they are found in a cluster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.diagnosis.history import is_rollback, revisions_of, rolled_back
from ops.diagnosis.objects import ago, is_complete, moment, named_after, to_event
from tests.unit.ops.why_objects import NOW, deployment, record, revision

MANIFEST = """
---
# Source: ollama/templates/service.yaml
apiVersion: v1
kind: Service
metadata: {name: ollama}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ollama}
spec: {template: {spec: {nodeSelector: {gpu: "yes"}}}}
---
"""


def test_records_are_read_in_the_order_of_their_numbers_the_latest_two_with_what_is_inside() -> None:
    when = {"last_deployed": "2026-11-21T05:08:40.123456789Z", "description": "Upgrade complete"}
    secrets = [record("ollama", number, "superseded", when, MANIFEST) for number in (10, 2, 9)]
    found = revisions_of("ollama", [*secrets, record("other", 11, "deployed", when)])
    assert [(item.number, item.description) for item in found] == [
        (2, ""),
        (9, "Upgrade complete"),
        (10, "Upgrade complete"),
    ]
    assert found[-1].pod_specs == {"ollama": {"nodeSelector": {"gpu": "yes"}}}
    assert found[-1].deployed == datetime(2026, 11, 21, 5, 8, 40, 123456, UTC)


@pytest.mark.parametrize("data", [{}, {"release": "bm90IGd6aXA="}, {"release": "%%%"}])
def test_a_record_that_can_not_be_unpacked_still_has_number_and_status(data: dict[str, str]) -> None:
    secret: Any = {**record("ollama", 1, "failed", {}), "data": data}
    (found,) = revisions_of("ollama", [secret])
    assert (found.number, found.status, found.deployed) == (1, "failed", None)


def test_a_rollback_is_told_from_an_upgrade_and_from_an_install() -> None:
    failed = revision(2, "failed", 'Upgrade "ollama" failed: context deadline exceeded')
    back = revision(3, "deployed", "Rollback to 1")
    assert rolled_back([revision(1, "superseded"), failed, back])
    assert not rolled_back([failed, revision(3, "deployed", "Upgrade complete")])
    assert not rolled_back([revision(2, "superseded"), back])
    assert not rolled_back([back])
    assert is_rollback(revision(3, "failed", 'Release "ollama" failed: context deadline exceeded'))
    assert not is_rollback(revision(1, "failed", 'Release "ollama" failed: context deadline exceeded'))
    assert not is_rollback(failed)


@pytest.mark.parametrize(
    "times",
    [
        {"series": {"lastObservedTime": "2026-11-21T12:00:00.5Z"}, "eventTime": "2026-11-21T11:00:00Z"},
        {"lastTimestamp": "2026-11-21T12:00:00.5Z", "firstTimestamp": "2026-11-21T11:00:00Z"},
        {"eventTime": "2026-11-21T12:00:00.5Z", "lastTimestamp": None},
        {"metadata": {"creationTimestamp": "2026-11-21T12:00:00.5Z"}},
    ],
)
def test_an_event_has_the_time_at_which_it_was_seen_last(times: Any) -> None:
    about = {"kind": "Pod", "name": "p", "uid": "u", "fieldPath": "spec.containers{main}"}
    message = "(combined from similar events): two\nlines"
    found = to_event({"metadata": {}, "involvedObject": about, "type": "Warning", "message": message, **times})
    assert found.seen == NOW + timedelta(milliseconds=500)
    assert (found.message, found.container, found.warning, found.reason) == ("two lines", "main", True, "")


def test_a_time_that_was_never_is_none() -> None:
    assert moment("0001-01-01T00:00:00Z") is None
    assert moment("") is None and moment(None) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (200000, "2 d ago")],
)
def test_a_time_is_told_in_words(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("ollama", True),
        ("ollama-5d7c-abcde", True),
        ("datadir-ollama-mongodb-0", True),
        ("ollamas", False),
        ("my-ollamas-0", False),
    ],
)
def test_an_object_belongs_to_the_release_whose_name_stands_in_its_own(name: str, ours: bool) -> None:
    assert named_after("ollama", name) is ours


def test_a_workload_is_complete_when_all_its_pods_are_ready_and_of_the_latest_template() -> None:
    assert is_complete(deployment(ready=1))
    assert is_complete(deployment(ready=0, replicas=0))
    assert not is_complete(deployment(ready=1, replicas=2))
    unseen: Any = deployment(ready=1)
    unseen["metadata"]["generation"] = 2
    assert not is_complete(unseen)
    old: Any = deployment(ready=1)
    old["status"]["updatedReplicas"] = 0
    assert not is_complete(old)
    daemons: Any = {
        "metadata": {"name": "d"},
        "spec": {},
        "status": {"desiredNumberScheduled": 2, "numberReady": 1, "updatedNumberScheduled": 2},
    }
    assert not is_complete(daemons)
