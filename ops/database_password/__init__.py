"""Changes passwords inside a running MongoDB, by a Job of the image that the database runs in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from components.ownership import Marks
from ops.database_password.job import Database, Passwords, database_of, job_of, owned, secret_of
from ops.diagnosis.causes import LogOf
from ops.diagnosis.masking import Masker
from ops.diagnosis.reading import REQUEST_TIMEOUT, UnreachableError, connect, log_tail
from ops.drift_reading.fields import MANAGER

TIMEOUT = 180
"""Seconds that the Job gets; its image is on the database's node already, but the Job may land on another one."""
__all__ = ["Account", "PasswordChangeError", "Passwords", "change_passwords"]


class PasswordChangeError(Exception):
    """The passwords in the database are not known to be the new ones; the message says why, and what to do."""


@dataclass(frozen=True)
class Account:
    """The user that LibreChat is, and the database that knows it."""

    user: str
    database: str


def change_passwords(
    context: str,
    namespace: str,
    release: str,
    account: Account,
    passwords: Passwords,
    marks: Marks,
    *,
    timeout: float = TIMEOUT,
    kubeconfig: Path | None = None,
) -> None:
    """Give the release's MongoDB the new passwords; does nothing where it has no MongoDB or that has no passwords.

    `marks` say whose the Job is, and its Secret.

    Raises PasswordChangeError where that can't be done or isn't done in `timeout` seconds.
    """
    try:
        with connect(context, kubeconfig) as api:
            found = _running(api, namespace, f"{release}-mongodb")
            if found is not None:
                _change(api, namespace, found, account, passwords, marks, timeout)
    except UnreachableError as error:
        raise _refused(str(error)) from error
    except client.ApiException as error:
        raise _refused(f"the cluster refuses it: {error.status} {error.reason}") from error
    except (HTTPError, OSError) as error:
        raise _refused("the cluster does not answer") from error


def _running(api: client.ApiClient, namespace: str, name: str) -> Database | None:
    """The database, ready to be spoken to; None where there is none, or it asks for no password."""
    core, sets = client.CoreV1Api(api), client.AppsV1Api(api)
    found: Any = sets.list_namespaced_stateful_set(namespace, _request_timeout=REQUEST_TIMEOUT)
    stateful = next((item for item in found.items if item.metadata.name == name), None)
    if stateful is None:
        claims: Any = core.list_namespaced_persistent_volume_claim(namespace, _request_timeout=REQUEST_TIMEOUT)
        left = [item.metadata.name for item in claims.items if item.metadata.name.startswith(f"datadir-{name}-")]
        if left:
            raise _refused(
                f"StatefulSet {name} is not there, but its claim {left[0]} is, and in it the old password. "
                "Bring the database back with the old password first"
            )
        return None
    database = database_of(api.sanitize_for_serialization(stateful))  # type: ignore[no-untyped-call]
    if database is not None and not stateful.status.ready_replicas:
        raise _refused(f"StatefulSet {name} has no pod that is ready (why: python -m ops why --stack NAME)")
    return database


def _change(
    api: client.ApiClient,
    namespace: str,
    database: Database,
    account: Account,
    passwords: Passwords,
    marks: Marks,
    timeout: float,
) -> None:
    until = time.monotonic() + timeout
    name = f"{database.name}-password"
    secret = secret_of(name, passwords, marks)
    job = job_of(name, database, account.user, account.database, int(timeout), marks)
    with _made(api, namespace, secret, job, until):
        state = "did not end in time"
        while time.monotonic() < until:
            found: Any = client.BatchV1Api(api).read_namespaced_job(name, namespace, _request_timeout=REQUEST_TIMEOUT)
            ended = {item.type for item in found.status.conditions or [] if item.status == "True"}
            if "Complete" in ended:
                return
            if "Failed" in ended:
                state = "failed"
                break
            time.sleep(0.5)
        said = _said(api, namespace, name, passwords)
        raise _refused(f"Job {name} {state}{f': {said}' if said else ''}")


@contextmanager
def _made(api: client.ApiClient, namespace: str, secret: Any, job: Any, until: float) -> Iterator[None]:
    """The Job and its Secret, for as long as they are needed; what a killed run left of them goes first."""
    core, batch = client.CoreV1Api(api), client.BatchV1Api(api)
    name = job["metadata"]["name"]

    def remove() -> None:
        for delete in (batch.delete_namespaced_job, core.delete_namespaced_secret):
            try:
                delete(name, namespace, propagation_policy="Background", _request_timeout=REQUEST_TIMEOUT)
            except client.ApiException as error:
                if error.status != 404:
                    raise

    def is_there() -> bool:
        jobs: Any = batch.list_namespaced_job(
            namespace, field_selector=f"metadata.name={name}", _request_timeout=REQUEST_TIMEOUT
        )
        return bool(jobs.items)

    remove()
    while is_there() and time.monotonic() < until:
        time.sleep(0.2)
    try:
        # By the stack's own manager: as any other's, `drift` would call both hand-made and `heal --prune` delete them.
        ours: Any = {"field_manager": MANAGER, "_request_timeout": REQUEST_TIMEOUT}
        # The Job first, whose pod waits for what it mounts: a Secret without owner would outlive a run that is killed.
        made: Any = batch.create_namespaced_job(namespace, job, **ours)
        body: Any = owned(secret, made.metadata.uid)
        core.create_namespaced_secret(namespace, body, **ours)
        yield
    finally:
        remove()


def _said(api: client.ApiClient, namespace: str, job: str, passwords: Passwords) -> str:
    """The last line that the Job's pod printed; empty where there is none."""
    pods: Any = client.CoreV1Api(api).list_namespaced_pod(
        namespace, label_selector=f"job-name={job}", _request_timeout=REQUEST_TIMEOUT
    )
    lines = [line for pod in pods.items for line in log_tail(api, namespace, LogOf(pod.metadata.name, job, False))]
    return Masker((passwords.old_root, passwords.new_root, passwords.new_user))(lines[-1]) if lines else ""


def _refused(reason: str) -> PasswordChangeError:
    return PasswordChangeError(
        f"MongoDB keeps its passwords, and no Secret was changed: {reason.rstrip('.')}.\n"
        "  The new password is in the state and waits: mend this, then run `pulumi up` again."
    )
