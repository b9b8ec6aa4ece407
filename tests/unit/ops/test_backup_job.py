"""The Job that waits in the cluster, and the database that it is made after."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from components.ownership import Marks
from ops.backing_up.living import NotRunningError, SecretKey, database_of
from ops.backing_up.tools import SCRIPTS
from ops.backing_up.versions import differences, version
from ops.backing_up.worker import job_of

MARKS = Marks({"private-chatgpt/stack": "prod"}, {"private-chatgpt/owner": "ml-platform"})


def stateful_set(*environment: dict[str, Any]) -> dict[str, Any]:
    """The chart's database."""
    pod = {
        "securityContext": {"fsGroup": 1001},
        "nodeSelector": {"disk": "ssd"},
        "volumes": [{"name": "mongodb-secrets", "secret": {"secretName": "credentials"}}, {"name": "datadir"}],
        "containers": [
            {
                "name": "mongodb",
                "image": "mongodb:8.0.13",
                "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
                "env": list(environment),
                "volumeMounts": [{"name": "mongodb-secrets", "mountPath": "/opt/bitnami/mongodb/secrets/"}],
            }
        ],
    }
    spec = {"serviceName": "librechat-mongodb-headless", "replicas": 2, "template": {"spec": pod}}
    return {"metadata": {"name": "librechat-mongodb"}, "spec": spec}


FILE = {"name": "MONGODB_ROOT_PASSWORD_FILE", "value": "/opt/bitnami/mongodb/secrets/mongodb-root-password"}
KEY = {
    "name": "MONGODB_ROOT_PASSWORD",
    "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "mongodb-root-password"}},
}


@pytest.mark.parametrize("variable", [FILE, KEY])
def test_the_password_is_found_where_the_chart_puts_it(variable: dict[str, Any]) -> None:
    found = database_of(stateful_set(variable, {"name": "MONGODB_ROOT_USER", "value": "admin"}))
    assert (found.password, found.user) == (SecretKey("credentials", "mongodb-root-password"), "admin")


def test_a_database_without_passwords_has_none_and_one_with_a_plain_one_is_refused() -> None:
    assert database_of(stateful_set({"name": "ALLOW_EMPTY_PASSWORD", "value": "yes"})).password is None
    with pytest.raises(NotRunningError, match="from no Secret"):
        database_of(stateful_set({"name": "MONGODB_ROOT_PASSWORD", "value": "in plain text"}))


def test_the_job_runs_as_the_database_does_and_ends_by_itself() -> None:
    spec = job_of("a-backup", database_of(stateful_set(FILE)), MARKS)["spec"]
    made = spec["template"]["spec"]
    (container,) = made["containers"]
    assert made["securityContext"] == {"fsGroup": 1001} and made["nodeSelector"] == {"disk": "ssd"}
    assert container["image"] == "mongodb:8.0.13" and container["securityContext"]["runAsNonRoot"] is True
    assert made["automountServiceAccountToken"] is False and made["restartPolicy"] == "Never"
    assert spec["backoffLimit"] == 0 and spec["activeDeadlineSeconds"] > 0 and spec["ttlSecondsAfterFinished"] > 0


def test_whose_it_is_stands_on_the_job_and_its_pod() -> None:
    job = job_of("a-backup", database_of(stateful_set(FILE)), MARKS)
    own = {"app.kubernetes.io/name": "a-backup", "librechat-mongodb-client": "true"}
    for made in (job, job["spec"]["template"]):
        assert made["metadata"]["labels"] == {**MARKS.labels, **own}
        assert made["metadata"]["annotations"] == MARKS.annotations


def test_the_password_is_a_mounted_file_of_one_key_and_nowhere_else() -> None:
    made = job_of("a-backup", database_of(stateful_set(FILE)), MARKS)["spec"]["template"]["spec"]
    (container,) = made["containers"]
    mounted = next(item["secret"] for item in made["volumes"] if item["name"] == "password")
    assert mounted == {"secretName": "credentials", "items": [{"key": "mongodb-root-password", "path": "root"}]}
    assert all(set(item) == {"name", "value"} for item in container["env"])
    assert {item["name"]: item["value"] for item in container["env"]}["PASSWORD_FILE"] == "/password/root"
    open_to_all = job_of("a", database_of(stateful_set({"name": "ALLOW_EMPTY_PASSWORD", "value": "yes"})), MARKS)
    assert "PASSWORD_FILE" not in str(open_to_all)


def host_in(job: dict[str, Any]) -> str:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return str({item["name"]: item["value"] for item in container["env"]}["MONGODB_HOST"])


def test_a_replica_set_is_named_with_all_of_its_members_and_one_pod_by_its_service() -> None:
    replicated = stateful_set(FILE, {"name": "MONGODB_REPLICA_SET_NAME", "value": "rs0"})
    members = ",".join(f"librechat-mongodb-{number}.librechat-mongodb-headless:27017" for number in range(2))
    assert host_in(job_of("a", database_of(replicated), MARKS)) == f"rs0/{members}"
    assert host_in(job_of("a", database_of(stateful_set(FILE)), MARKS)) == "librechat-mongodb:27017"


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("librechat-mongodb:27017", "mongodb://librechat-mongodb:27017/admin?serverSelectionTimeoutMS=20000"),
        ("rs0/a:1,b:1", "mongodb://a:1,b:1/admin?serverSelectionTimeoutMS=20000&replicaSet=rs0"),
    ],
)
def test_what_looks_into_the_database_asks_the_primary(host: str, uri: str) -> None:
    function = SCRIPTS["database.js"].partition("function uri()")[2].partition("\n}")[0]
    program = f"const {{ MONGODB_HOST, PASSWORD_FILE }} = process.env; function uri(){function}\n}}; console.log(uri())"
    done = subprocess.run(
        ["node", "--eval", program],
        env={**os.environ, "MONGODB_HOST": host},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == uri


IN_MEMORY = """
const done = [];
const collection = (name) => ({
  deleteMany: () => {}, insertOne: () => done.push(`mark ${name}`), drop: () => done.push(`drop ${name}`),
  updateMany: () => {}, countDocuments: () => 0, findOne: () => null });
const names = ["users", "files", "private_chatgpt_restore", "system.views", "a_view"];
const methods = { getCollectionNames: () => names, getCollection: collection };
const database = new Proxy(methods, { get: (own, name) => own[name] ?? collection(name) });
const connect = () => ({ getSiblingDB: () => database });
const print = () => {};
const quit = () => process.exit(1);
"""


@pytest.mark.parametrize(
    ("action", "done"),
    [
        ("look", []),
        ("begin", ["mark private_chatgpt_restore", "drop users", "drop files", "drop a_view"]),
        ("end", ["drop private_chatgpt_restore"]),
    ],
)
def test_a_restore_marks_the_database_before_it_empties_it_and_looking_changes_nothing(
    action: str, done: list[str]
) -> None:
    program = f"{IN_MEMORY}{SCRIPTS['database.js']}\nconsole.log(JSON.stringify(done));"
    ran = subprocess.run(
        ["node", "--eval", program],
        env={**os.environ, "ACTION": action, "MONGODB_HOST": "a:1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == done


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("ghcr.io/danny-avila/librechat:v0.8.7", "v0.8.7"),
        ("registry.local:5000/librechat", "registry.local:5000/librechat"),
        ("mongodb:8.0.13-r0@sha256:ab", "8.0.13-r0"),
        ("mongodb@sha256:ab", "sha256:ab"),
        ("2.0.7", "2.0.7"),
    ],
)
def test_the_version_of_an_image_is_its_tag(image: str, tag: str) -> None:
    assert version(image) == tag


@pytest.mark.parametrize(
    ("then", "now", "older"),
    [
        ("app:v0.8.7", "app:v0.8.10", False),
        ("app:v0.8.10", "app:v0.8.7", True),
        ("mongodb:8.0.13-debian-12-r0", "mongodb:7.0.2", True),
        ("app:v1", "app:latest", None),
    ],
)
def test_versions_are_compared_as_numbers(then: str, now: str, older: bool | None) -> None:
    (found,) = differences({"app": then}, {"app": now})
    assert found.older is older


def test_the_same_version_of_another_registry_is_no_difference() -> None:
    assert differences({"app": "a.io/app:v1", "gone": "x:1"}, {"app": "b.io/app:v1"}) == []
