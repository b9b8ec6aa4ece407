"""The Job whose pod, of the database's own image, waits to be told what to run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from components.ownership import Marks
from ops.backing_up.living import DATABASE, Database
from ops.backing_up.streaming import Container
from ops.database_job import Limits, job_around
from ops.diagnosis.reading import REQUEST_TIMEOUT
from ops.drift_reading.fields import MANAGER

START = 180
"""Seconds that the pod gets to run: the image is on the database's node already, but it may land on another one."""
LIFETIME = 6 * 3600
"""Seconds after which the cluster ends the Job, should whoever made it be killed."""
KEPT = 60
"""Seconds after which the cluster removes it then."""
TELLING = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError")


class WorkerError(RuntimeError):
    """The Job can't be made, or its pod does not run; the message says why."""


class BusyError(WorkerError):
    """There is such a Job already."""


@contextmanager
def worker(api: client.ApiClient, namespace: str, name: str, database: Database, marks: Marks) -> Iterator[Container]:
    """The container of a Job that is there as long as the block; raises WorkerError. `marks` say whose the Job is.

    A Job of that name that is there already is somebody's, so it is left alone.
    """
    batch = client.BatchV1Api(api)
    try:
        body: Any = job_of(name, database, marks)
        # By the stack's own manager: as any other's, `drift` would call the Job hand-made and `heal --prune` end it.
        batch.create_namespaced_job(namespace, body, field_manager=MANAGER, _request_timeout=REQUEST_TIMEOUT)
    except client.ApiException as error:
        if error.status == 409:
            raise BusyError(
                f"Job {name} is there already: somebody is at it, or was killed. Where nobody is: "
                f"kubectl --namespace {namespace} delete job {name}"
            ) from error
        raise WorkerError(f"Job {name} can't be made: {error.status} {error.reason}") from error
    try:
        yield Container(api, namespace, _running_pod(api, namespace, name), name)
    finally:
        # Should the cluster be away by now, activeDeadlineSeconds and ttlSecondsAfterFinished see to it.
        with contextlib.suppress(client.ApiException, HTTPError, OSError):
            batch.delete_namespaced_job(
                name,
                namespace,
                propagation_policy="Background",
                grace_period_seconds=0,
                _request_timeout=REQUEST_TIMEOUT,
            )


def job_of(name: str, database: Database, marks: Marks) -> dict[str, Any]:
    """The Job: no password is in its arguments or its environment, only where the file of it is."""
    environment = {
        "MONGODB_HOST": database.hosts,
        "MONGODB_USER": database.user,
        "HOME": "/tmp",  # noqa: S108 - mongosh writes there
    }
    mounts = [{"name": "work", "mountPath": "/tmp"}]  # noqa: S108
    # In memory: the password stands in a file of it while a command runs.
    volumes: list[dict[str, Any]] = [{"name": "work", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}]
    if database.password:
        environment["PASSWORD_FILE"] = "/password/root"  # noqa: S105 - a path
        mounts.append({"name": "password", "mountPath": "/password", "readOnly": True})  # type: ignore[dict-item]
        items = [{"key": database.password.key, "path": "root"}]
        volumes.append({"name": "password", "secret": {"secretName": database.password.secret, "items": items}})
    container = {
        # An exec outlives neither the container nor this: it ends at once when the pod is deleted.
        "command": ["/bin/bash", "-c", f"trap 'exit 0' TERM; sleep {LIFETIME} & wait"],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": mounts,
    }
    like = database.pod, database.container
    return job_around(name, DATABASE, like, marks, container, volumes, Limits(0, LIFETIME, KEPT))


def _running_pod(api: client.ApiClient, namespace: str, job: str) -> str:
    until, said = time.monotonic() + START, "no pod was made for it"
    while time.monotonic() < until:
        try:
            listed: Any = client.CoreV1Api(api).list_namespaced_pod(
                namespace, label_selector=f"job-name={job}", _request_timeout=REQUEST_TIMEOUT
            )
        except client.ApiException as error:
            raise WorkerError(f"the pods of Job {job} can't be listed: {error.status} {error.reason}") from error
        for pod in listed.items:
            if pod.status.phase == "Running":
                return str(pod.metadata.name)
            if pod.status.phase in ("Succeeded", "Failed"):
                raise WorkerError(f"pod {pod.metadata.name} of Job {job} ended before it was told anything")
            said = _why_not(pod)
        time.sleep(0.3)
    raise WorkerError(f"Job {job} did not run in {START} seconds: {said}")


def _why_not(pod: Any) -> str:
    for status in pod.status.container_statuses or ():
        waiting = status.state.waiting if status.state else None
        if waiting and waiting.reason in TELLING:
            return f"{waiting.reason}: {waiting.message or ''}".rstrip(": ")
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    return f"its pod is {pod.status.phase}"
