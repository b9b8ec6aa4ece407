"""The Job that changes MongoDB's passwords, and the Secret that it mounts, as manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.ownership import Marks
from ops.database_job import Limits, job_around
from ops.diagnosis.objects import Object

SCRIPT = Path(__file__).parent / "change.js"
KEPT = 600
"""Seconds after which the cluster removes the Job by itself, should the run that made it be killed."""


@dataclass(frozen=True)
class Passwords:
    """What is, or was a moment ago, root's password, and what the two accounts get."""

    old_root: str
    new_root: str
    new_user: str

    def __repr__(self) -> str:
        return "Passwords(***)"


@dataclass(frozen=True)
class Database:
    """A MongoDB that asks for passwords."""

    name: str
    """Of its StatefulSet and, unless it is a replica set, of its Service."""
    root: str
    hosts: str
    """`host:port` of each member."""
    options: str
    """What the URI needs besides: of a replica set only the primary takes a password."""
    pod: Object
    """The template's spec."""
    container: Object


def database_of(stateful_set: Object) -> Database | None:
    """The MongoDB of a StatefulSet as JSON; None where it lets everybody in."""
    pod = stateful_set["spec"]["template"]["spec"]
    container = next((item for item in pod["containers"] if item["name"] == "mongodb"), pod["containers"][0])
    environment = {item["name"]: item.get("value") for item in container.get("env") or ()}
    if environment.get("ALLOW_EMPTY_PASSWORD") == "yes":
        return None
    name = stateful_set["metadata"]["name"]
    hosts, replica_set = members_of(stateful_set, environment)
    options = f"&replicaSet={replica_set}" if replica_set else ""
    root = environment.get("MONGODB_ROOT_USER") or "root"
    return Database(name, root, hosts, options, pod, container)


def members_of(stateful_set: Object, environment: Mapping[str, Any]) -> tuple[str, str]:
    """`host:port` of each member, joined by commas, and the name of their replica set; empty for one pod by itself.

    `environment` is that of the database's container. A replica set has no Service that leads to its primary.
    """
    name, spec = stateful_set["metadata"]["name"], stateful_set["spec"]
    replica_set = str(environment.get("MONGODB_REPLICA_SET_NAME") or "")
    if not replica_set:
        return f"{name}:27017", ""
    return ",".join(f"{name}-{number}.{spec['serviceName']}:27017" for number in range(spec["replicas"])), replica_set


def secret_of(name: str, passwords: Passwords, marks: Marks) -> dict[str, Any]:
    """The Secret that the Job mounts: the passwords and the script."""
    files = {
        "old-root": passwords.old_root,
        "new-root": passwords.new_root,
        "new-user": passwords.new_user,
        SCRIPT.name: SCRIPT.read_text(encoding="utf-8"),
    }
    metadata = {"name": name, "labels": dict(marks.labels), "annotations": dict(marks.annotations)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": files}


def owned(secret: Mapping[str, Any], uid: str) -> dict[str, Any]:
    """The Secret as the cluster removes it with the Job of its name, which has that `uid`."""
    metadata = secret["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": uid}
    return {**secret, "metadata": {**metadata, "ownerReferences": [owner]}}


def job_of(name: str, database: Database, user: str, database_name: str, seconds: int, marks: Marks) -> dict[str, Any]:
    """The Job; after `seconds` the cluster ends it."""
    environment = {
        "hosts": database.hosts,
        "options": database.options,
        "root": database.root,
        "user": user,
        "database": database_name,
        "HOME": "/tmp",  # noqa: S108 - mongosh writes there; an emptyDir, since the root file system is read-only
    }
    container = {
        "command": ["mongosh", "--nodb", "--norc", "--quiet", f"/passwords/{SCRIPT.name}"],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": [
            {"name": "passwords", "mountPath": "/passwords", "readOnly": True},
            {"name": "home", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    volumes = [{"name": "passwords", "secret": {"secretName": name}}, {"name": "home", "emptyDir": {}}]
    like = database.pod, database.container
    return job_around(name, database.name, like, marks, container, volumes, Limits(2, seconds, KEPT))
