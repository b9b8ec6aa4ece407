"""What runs in the cluster: the database, by its StatefulSet, and the images of the chat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kubernetes import client

from components.charts import LIBRECHAT
from ops.database_password.job import members_of
from ops.diagnosis.objects import Object
from ops.diagnosis.reading import REQUEST_TIMEOUT

DATABASE = f"{LIBRECHAT.name}-mongodb"
"""Name of the StatefulSet."""
ROOT_PASSWORD = "MONGODB_ROOT_PASSWORD"  # noqa: S105 - the name of a variable of the image


class NotRunningError(RuntimeError):
    """The database is not there or not ready; the message says which."""


class NotThereError(NotRunningError):
    """There is no database."""


@dataclass(frozen=True)
class SecretKey:
    """Where a password is."""

    secret: str
    key: str


@dataclass(frozen=True)
class Database:
    """A MongoDB that is ready."""

    image: str
    user: str
    password: SecretKey | None
    """None where it lets everybody in."""
    hosts: str
    """As MongoDB's tools take it: `host:port` of each member, with `<replica set>/` before them where it is one."""
    pod: Object
    """The spec of its pods."""
    container: Object


def running_database(api: client.ApiClient, namespace: str) -> Database:
    """The database; raises NotRunningError, and ApiException where the cluster refuses to tell."""
    found = _named(
        client.AppsV1Api(api).list_namespaced_stateful_set(namespace, _request_timeout=REQUEST_TIMEOUT), DATABASE
    )
    if found is None:
        raise NotThereError(f"StatefulSet {DATABASE} is not there (namespace {namespace})")
    if not found.status.ready_replicas:
        raise NotRunningError(f"StatefulSet {DATABASE} has no pod that is ready (why: python -m ops why --stack NAME)")
    return database_of(api.sanitize_for_serialization(found))  # type: ignore[no-untyped-call]


def database_of(stateful_set: Object) -> Database:
    """The database of its StatefulSet as JSON; raises NotRunningError where its password is in no Secret."""
    pod = stateful_set["spec"]["template"]["spec"]
    container = next((item for item in pod["containers"] if item["name"] == "mongodb"), pod["containers"][0])
    environment = {item["name"]: item for item in container.get("env") or ()}

    def value(name: str) -> str:
        return str(environment.get(name, {}).get("value") or "")

    password = None
    if value("ALLOW_EMPTY_PASSWORD") != "yes":
        password = _in_environment(environment) or _in_file(pod, container, value(f"{ROOT_PASSWORD}_FILE"))
        if password is None:
            raise NotRunningError(f"StatefulSet {DATABASE} takes its root password from no Secret")
    plain = {item: found.get("value") for item, found in environment.items()}
    members, replica_set = members_of(stateful_set, plain)
    hosts = f"{replica_set}/{members}" if replica_set else members
    return Database(container["image"], value("MONGODB_ROOT_USER") or "root", password, hosts, pod, container)


def image_of_chat(api: client.ApiClient, namespace: str) -> str | None:
    """The image that LibreChat's Deployment asks for; None where it isn't there."""
    found = _deployment(api, namespace)
    return str(found.spec.template.spec.containers[0].image) if found else None


def restart_chat(api: client.ApiClient, namespace: str) -> None:
    """Delete LibreChat's pods, which come back: an annotation as kubectl sets it would be drift."""
    found = _deployment(api, namespace)
    if found is not None:
        selector = ",".join(f"{key}={value}" for key, value in found.spec.selector.match_labels.items())
        client.CoreV1Api(api).delete_collection_namespaced_pod(
            namespace, label_selector=selector, _request_timeout=REQUEST_TIMEOUT
        )


def _deployment(api: client.ApiClient, namespace: str) -> Any:
    listed = client.AppsV1Api(api).list_namespaced_deployment(namespace, _request_timeout=REQUEST_TIMEOUT)
    return _named(listed, LIBRECHAT.name)


def _named(listed: Any, name: str) -> Any:
    return next((item for item in listed.items if item.metadata.name == name), None)


def _in_environment(environment: dict[str, Any]) -> SecretKey | None:
    source = (environment.get(ROOT_PASSWORD, {}).get("valueFrom") or {}).get("secretKeyRef")
    return SecretKey(source["name"], source["key"]) if source else None


def _in_file(pod: Object, container: Object, file: str) -> SecretKey | None:
    path = PurePosixPath(file)
    mounted = {item["mountPath"].rstrip("/"): item["name"] for item in container.get("volumeMounts") or ()}
    volumes = {item["name"]: item for item in pod.get("volumes") or ()}
    source = volumes.get(mounted.get(str(path.parent), ""), {}).get("secret")
    return SecretKey(source["secretName"], path.name) if source else None
