"""The Job that does something beside a running database: in its image, let in and placed as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.guardrails.quota import OF_A_JOB
from components.ownership import Marks
from ops.diagnosis.objects import Object

OF_POD = ("imagePullSecrets", "nodeSelector", "tolerations", "securityContext", "serviceAccountName")
OF_CONTAINER = ("image", "imagePullPolicy", "securityContext")
"""What the Job takes over from the database, so that it is let in and finds nodes wherever that did.

Not its resources: the namespace's quota has room beside the app for what `OF_A_JOB` says.
"""


@dataclass(frozen=True)
class Limits:
    """When a Job ends, and when it goes."""

    tries: int
    """How often it is tried again."""
    lifetime: int
    """Seconds after which the cluster ends it."""
    kept: int
    """Seconds after which the cluster removes it by itself, should whoever made it be killed."""


def job_around(
    name: str,
    database: str,
    like: tuple[Object, Object],
    marks: Marks,
    container: Mapping[str, Any],
    volumes: Sequence[Mapping[str, Any]],
    limits: Limits,
) -> dict[str, Any]:
    """The Job as a manifest; `like` are the specs of the database's pods and of its container."""
    of_pod, of_container = like
    # The chart's NetworkPolicy can be told to let in only pods with the second label.
    labels = {**marks.labels, "app.kubernetes.io/name": name, f"{database}-client": "true"}
    metadata = {"labels": labels, "annotations": dict(marks.annotations)}
    pod = {
        **_part(of_pod, OF_POD),
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "containers": [{**_part(of_container, OF_CONTAINER), "name": name, "resources": OF_A_JOB, **container}],
        "volumes": list(volumes),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, **metadata},
        "spec": {
            "backoffLimit": limits.tries,
            "activeDeadlineSeconds": limits.lifetime,
            "ttlSecondsAfterFinished": limits.kept,
            "template": {"metadata": metadata, "spec": pod},
        },
    }


def _part(whole: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: whole[key] for key in keys if key in whole}
