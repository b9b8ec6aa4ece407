"""The Jobs that `ops` makes: to whoever looks for hand-made objects the stack's own, and no password outlives them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from ops import database_password
from ops.backing_up import worker
from ops.backing_up.living import database_of
from ops.database_password import Account, PasswordChangeError, Passwords, change_passwords
from ops.drift_reading.foreign import is_by_hand
from tests.unit.ops.test_backup_job import FILE, MARKS
from tests.unit.ops.test_backup_job import stateful_set as database_with
from tests.unit.ops.test_database_password import stateful_set

UID = "of-the-job"
Made = tuple[str, dict[str, Any], str]
"""Kind, body and field manager."""


@dataclass
class Cluster:
    """Keeps what is made in it; a Job ends well at once."""

    made: list[Made] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: str = ""
    """A kind that the cluster lets nobody make."""

    def making(self, kind: str) -> Callable[..., Any]:
        def make(_self: Any, _namespace: str, body: dict[str, Any], field_manager: str = "", **_: Any) -> Any:
            if kind == self.refused:
                raise client.ApiException(status=403, reason="Forbidden")
            self.made.append((kind, body, field_manager))
            return SimpleNamespace(metadata=SimpleNamespace(uid=UID))

        return make

    def deleting(self, kind: str) -> Callable[..., Any]:
        return lambda _self, name, _namespace, **_: self.deleted.append(f"{kind}/{name}")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster with a database in it."""
    found = Cluster()
    database = SimpleNamespace(
        metadata=SimpleNamespace(name="librechat-mongodb"), status=SimpleNamespace(ready_replicas=1)
    )
    complete = SimpleNamespace(conditions=[SimpleNamespace(type="Complete", status="True")])
    pod = SimpleNamespace(metadata=SimpleNamespace(name="pod"), status=SimpleNamespace(phase="Running"))

    def answer(value: Any) -> Callable[..., Any]:
        return lambda *_, **__: value

    @contextlib.contextmanager
    def connect(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(sanitize_for_serialization=lambda _: stateful_set())

    monkeypatch.setattr(database_password, "connect", connect)
    for api, calls in {
        client.AppsV1Api: {"list_namespaced_stateful_set": answer(SimpleNamespace(items=[database]))},
        client.BatchV1Api: {
            "create_namespaced_job": found.making("Job"),
            "delete_namespaced_job": found.deleting("Job"),
            "list_namespaced_job": answer(SimpleNamespace(items=[])),
            "read_namespaced_job": answer(SimpleNamespace(status=complete)),
        },
        client.CoreV1Api: {
            "create_namespaced_secret": found.making("Secret"),
            "delete_namespaced_secret": found.deleting("Secret"),
            "list_namespaced_pod": answer(SimpleNamespace(items=[pod])),
        },
    }.items():
        monkeypatch.setattr(api, "__init__", lambda *_: None)
        for name, call in calls.items():
            monkeypatch.setattr(api, name, call)
    return found


def change() -> None:
    passwords = Passwords("old-root", "new-root", "new-user")
    change_passwords("context", "chat", "librechat", Account("librechat", "LibreChat"), passwords, MARKS)


def live(body: dict[str, Any], manager: str) -> dict[str, Any]:
    """The object as the API server has it."""
    written = {"manager": manager, "operation": "Update", "time": "2026-11-21T07:00:00Z", "fieldsV1": {"f:spec": {}}}
    return {"metadata": {**body["metadata"], "managedFields": [written]}}


def by_hand(made: Made) -> bool:
    kind, body, manager = made
    found = live(body, manager)
    found["metadata"].pop("ownerReferences", None)
    return is_by_hand(kind, found, (), ("librechat",))


def test_the_job_of_a_backup_or_restore_is_no_hand_made_object(cluster: Cluster) -> None:
    with worker.worker(client.ApiClient(), "chat", "a-backup", database_of(database_with(FILE)), MARKS) as container:
        (job,) = cluster.made
        assert job[0] == "Job" and container.pod == "pod"
        assert not by_hand(job)
        assert by_hand(("Job", job[1], "OpenAPI-Generator")), "as which the client writes unless told"
    assert cluster.deleted == ["Job/a-backup"]


def test_the_job_of_a_rotation_and_its_secret_are_no_hand_made_objects(cluster: Cluster) -> None:
    change()
    assert [kind for kind, *_ in cluster.made] == ["Job", "Secret"]
    assert not any(by_hand(made) for made in cluster.made)


def test_the_passwords_of_a_rotation_go_with_its_job_should_the_run_be_killed(cluster: Cluster) -> None:
    change()
    (_, job, _), (_, secret, _) = cluster.made
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", UID)
    assert owner["name"] == secret["metadata"]["name"] == job["spec"]["template"]["spec"]["containers"][0]["name"]
    assert job["spec"]["ttlSecondsAfterFinished"] > 0 and job["spec"]["activeDeadlineSeconds"] > 0


def test_a_job_whose_secret_is_refused_does_not_stay_to_wait_for_it(cluster: Cluster) -> None:
    cluster.refused = "Secret"
    with pytest.raises(PasswordChangeError, match="403 Forbidden"):
        change()
    assert [kind for kind, *_ in cluster.made] == ["Job"]
    assert cluster.deleted[-2:] == ["Job/librechat-mongodb-password", "Secret/librechat-mongodb-password"]
