"""`rotate` replaces one key of a deployed stack: in state, Secrets and pods. Pods are simulated, the engine is real.

No simulated pod runs MongoDB: what the Job's script does there is tested in tests/unit/ops/test_database_password.py
with Node.js, against a database that is played, and was run once by mongosh against FerretDB, as is said there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from kubernetes.client import AppsV1Api, BatchV1Api, CoreV1Api

from local.cluster import LocalCluster
from tests.engine.commands import Answer, own_project, run_ops
from tests.engine.kube import eventually, stored_in
from tests.engine.leaks import forms
from tests.engine.stacks import Stack, beside
from tests.engine.test_rolling import APP, MEILISEARCH, MONGODB, Snapshot, snapshot

JOB = "librechat-mongodb-password"


@pytest.fixture(scope="module")
def rotating(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A protected stack of a copy of the project, whose stack file is the one that is deployed."""
    settings = {**beside("rotate"), "protect": True}
    with own_project(cluster, tmp_path_factory.mktemp("rotate"), settings) as stack:
        stack.up()
        yield stack


def rotate(stack: Stack, *arguments: str) -> Answer:
    return run_ops(stack, "rotate", *arguments)


def keys_in(secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {f"{secret}/{key}": text for secret, data in secrets.items() for key, text in data.items()}


def unlike(before: Snapshot, after: Snapshot) -> tuple[set[str], set[str]]:
    """Keys of Secrets that have another value, and apps whose pod is another one."""
    old, new = keys_in(before.secrets), keys_in(after.secrets)
    assert old.keys() == new.keys()
    moved = {app for app, pod in after.pods.items() if pod.metadata.uid != before.pods[app].metadata.uid}
    return {key for key in new if new[key] != old[key]}, moved


def plain_state(stack: Stack) -> str:
    return stack.engine.run("stack", stack.name, "export", "--show-secrets").stdout


def value_of(stack: Stack, name: str) -> str:
    resources = json.loads(plain_state(stack))["deployment"]["resources"]
    (found,) = [item for item in resources if item["urn"].endswith(f"::librechat-{name}")]
    value: str = json.loads(found["outputs"]["result"]["plaintext"])
    return value


@pytest.mark.parametrize(
    ("key", "changed", "rolled"),
    [
        ("JWT_SECRET", {f"{APP}/JWT_SECRET"}, {"librechat"}),
        ("JWT_REFRESH_SECRET", {f"{APP}/JWT_REFRESH_SECRET"}, {"librechat"}),
        (
            "MEILI_MASTER_KEY",
            {f"{APP}/MEILI_MASTER_KEY", f"{MEILISEARCH}/MEILI_MASTER_KEY"},
            {"librechat", "meilisearch"},
        ),
        ("MONGODB_PASSWORD", {f"{APP}/MONGO_URI", f"{MONGODB}/mongodb-passwords"}, {"librechat", "mongodb"}),
        ("MONGODB_ROOT_PASSWORD", {f"{MONGODB}/mongodb-root-password"}, {"mongodb"}),
    ],
)
def test_one_key_is_replaced_its_readers_roll_and_nothing_of_the_old_one_is_left(
    rotating: Stack, key: str, changed: set[str], rolled: set[str]
) -> None:
    name = key.lower().replace("_", "-")
    before, old, claims = snapshot(rotating), value_of(rotating, name), claims_of(rotating)
    assert old in plain_state(rotating), "what is looked for below is found while it is there"

    answer = rotate(rotating, key, "--yes")

    assert answer.code == 0, answer
    assert unlike(before, snapshot(rotating)) == (changed, rolled)
    assert claims_of(rotating) == claims, "the volumes are the same ones"
    new = value_of(rotating, name)
    assert len(new) == len(old) and new != old
    held = json.dumps(rotating.resources()).encode() + plain_state(rotating).encode()
    assert not any(form in held for form in forms(old))
    texts = (answer.out + answer.err).encode()
    assert not any(form in texts for value in (old, new) for form in forms(value)), "no key is printed"
    assert unprotected(rotating) == []
    assert rotating.changes() == {}


def test_a_database_password_goes_through_a_job_that_leaves_nothing_behind(
    rotating: Stack, cluster: LocalCluster
) -> None:
    assert eventually(lambda: not [key for key in stored_in(cluster, rotating.librechat) if JOB in key])
    answer = rotate(rotating, "MONGODB_PASSWORD", "--yes")
    assert answer.code == 0, answer
    assert (
        not CoreV1Api(rotating.api)
        .list_namespaced_secret(rotating.librechat, field_selector=f"metadata.name={JOB}")
        .items
    )
    events: list[Any] = CoreV1Api(rotating.api).list_namespaced_event(rotating.librechat).items
    assert [item for item in events if item.involved_object.name == JOB and item.reason == "Completed"]
    assert eventually(lambda: not BatchV1Api(rotating.api).list_namespaced_job(rotating.librechat).items)


def test_while_the_database_is_away_neither_it_nor_any_secret_gets_the_new_password(rotating: Stack) -> None:
    apps, name = AppsV1Api(rotating.api), "librechat-mongodb"

    def scale(replicas: int) -> None:
        body: Any = {"spec": {"replicas": replicas}}
        apps.patch_namespaced_stateful_set_scale(name, rotating.librechat, body)

        def settled() -> bool:
            found: Any = apps.read_namespaced_stateful_set(name, rotating.librechat)
            return (found.status.ready_replicas or 0) == replicas

        eventually(settled)

    secrets = snapshot(rotating).secrets
    scale(0)
    try:
        answer = rotate(rotating, "MONGODB_PASSWORD", "--yes")
        held: list[Any] = CoreV1Api(rotating.api).list_namespaced_secret(rotating.librechat).items
    finally:
        scale(1)
    assert answer.code == 1
    assert "StatefulSet librechat-mongodb has no pod that is ready" in answer.out + answer.err
    assert "no Secret was changed" in answer.out + answer.err and "pulumi up goes on from here" in answer.err
    assert {item.metadata.name: item.data for item in held if item.metadata.name in secrets} == secrets

    waiting = value_of_new(rotating)
    rotating.up()
    assert value_of(rotating, "mongodb-password") == waiting, "the next up goes on with the same new password"
    assert unprotected(rotating) == [] and rotating.changes() == {}


def value_of_new(stack: Stack) -> str:
    """The generated database password that isn't about to be deleted."""
    resources = json.loads(plain_state(stack))["deployment"]["resources"]
    named = [item for item in resources if item["urn"].endswith("::librechat-mongodb-password")]
    assert [bool(item.get("delete")) for item in named].count(False) == 1 and len(named) == 2
    (value,) = [json.loads(item["outputs"]["result"]["plaintext"]) for item in named if not item.get("delete")]
    return str(value)


def test_the_keys_of_stored_credentials_are_refused_with_the_reason_unless_forced(rotating: Stack) -> None:
    before, state = snapshot(rotating), plain_state(rotating)
    for key in ("CREDS_KEY", "CREDS_IV"):
        answer = rotate(rotating, key, "--yes")
        assert answer.code == 1
        assert "unreadable" in answer.err and f"{key} --force" in answer.err
    assert unlike(before, snapshot(rotating)) == (set(), set()) and plain_state(rotating) == state
    forced = rotate(rotating, "CREDS_IV", "--yes", "--force")
    assert forced.code == 0 and "LOST" in forced.out
    assert unlike(before, snapshot(rotating)) == ({f"{APP}/CREDS_IV"}, {"librechat"})
    assert unprotected(rotating) == []


def test_nothing_happens_without_a_yes_or_with_what_is_no_key(rotating: Stack) -> None:
    before, file = plain_state(rotating), rotating.config.read_text()
    unasked = rotate(rotating, "JWT_SECRET")
    assert unasked.code == 2 and "nothing was changed" in unasked.err and "--yes" in unasked.err
    unknown = rotate(rotating, "JWT", "--yes")
    assert unknown.code == 2 and "JWT_REFRESH_SECRET" in unknown.err
    assert (plain_state(rotating), rotating.config.read_text()) == (before, file)


def test_a_key_that_was_brought_along_is_the_operators_to_change(rotating: Stack) -> None:
    file = rotating.config.read_text()
    try:
        rotating.change_secret("librechat.keys.MEILI_MASTER_KEY", "a-key-of-the-operator")
        before = rotating.config.read_text()
        answer = rotate(rotating, "MEILI_MASTER_KEY", "--yes")
        assert rotating.config.read_text() == before
    finally:
        rotating.config.write_text(file)
    # It was rotated before: that number and a key in config exclude each other.
    assert answer.code == 2 and "librechat.rotation.MEILI_MASTER_KEY is set" in answer.err


def claims_of(stack: Stack) -> dict[str, str]:
    claims: list[Any] = CoreV1Api(stack.api).list_namespaced_persistent_volume_claim(stack.librechat).items
    return {item.metadata.name: item.metadata.uid for item in claims}


def unprotected(stack: Stack) -> list[str]:
    """Generated keys without protection, by URN; empty when all are protected."""
    kind = "random:index/randomPassword:RandomPassword"
    keys = [item for item in stack.resources() if item["type"] == kind]
    assert len(keys) == len(["four of LibreChat", "2", "3", "4", "Meilisearch", "MongoDB", "root", "salt"])
    return [item["urn"] for item in keys if not item.get("protect")]
