"""API objects in miniature, as the API server sends them, for the tests of `why`."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.diagnosis.objects import Event, Object, Revision, Snapshot

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OWN = {"meta.helm.sh/release-name": "ollama"}


def deployment(name: str = "ollama", *, ready: int = 0, replicas: int = 1) -> Object:
    return {
        "metadata": {"name": name, "uid": f"d-{name}", "annotations": OWN, "generation": 1},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready, "updatedReplicas": replicas, "observedGeneration": 1},
    }


def replica_set(name: str = "ollama-5d7c", deployment_name: str = "ollama") -> Object:
    owner = {"kind": "Deployment", "name": deployment_name, "uid": f"d-{deployment_name}"}
    return {"metadata": {"name": name, "uid": f"r-{name}", "ownerReferences": [owner]}, "spec": {"replicas": 1}}


def pod(
    name: str = "ollama-5d7c-abcde",
    *,
    state: Mapping[str, Any] | None = None,
    conditions: Sequence[Mapping[str, str]] = (),
    spec: Mapping[str, Any] | None = None,
    phase: str = "Pending",
    metadata: Mapping[str, Any] | None = None,
    **container: Any,
) -> Object:
    """A pod of the Deployment ollama with one container `main` in the given state, or none that reports yet."""
    owner = {"kind": "ReplicaSet", "name": "ollama-5d7c", "uid": "r-ollama-5d7c"}
    found = {"name": "main", "image": "example.com/main:1", "ready": False, "state": state, **container}
    status: dict[str, Any] = {"phase": phase, "conditions": list(conditions)}
    if state is not None:
        status["containerStatuses"] = [found]
    return {
        "metadata": {"name": name, "uid": f"p-{name}", "ownerReferences": [owner], **(metadata or {})},
        "spec": {"containers": [{"name": "main"}], **(spec or {})},
        "status": status,
    }


def event(
    reason: str,
    message: str,
    *,
    kind: str = "Pod",
    name: str = "ollama-5d7c-abcde",
    uid: str | None = None,
    seconds_ago: float = 10,
    warning: bool = True,
    container: str = "",
) -> Event:
    seen = NOW - timedelta(seconds=seconds_ago)
    about = uid if uid is not None else f"{kind[0].lower()}-{name}"
    return Event(kind, name, about, reason, message, seen, warning, container)


def scaled_up(seconds_ago: float = 20) -> list[Event]:
    """The events by which an install of the Deployment ollama with one pod begins."""
    return [
        event(
            "ScalingReplicaSet",
            "Scaled up replica set ollama-5d7c from 0 to 1",
            kind="Deployment",
            name="ollama",
            seconds_ago=seconds_ago,
            warning=False,
        ),
        event(
            "SuccessfulCreate",
            "Created pod: ollama-5d7c-abcde",
            kind="ReplicaSet",
            name="ollama-5d7c",
            seconds_ago=seconds_ago,
            warning=False,
        ),
    ]


def node(name: str, *, labels: Mapping[str, str] | None = None, **more: Any) -> Object:
    allocatable = {"cpu": "4", "memory": "16Gi", "pods": "110", **more.pop("allocatable", {})}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": more, "status": {"allocatable": allocatable}}


def revision(number: int, status: str = "deployed", description: str = "", seconds_ago: float = 30) -> Revision:
    return Revision(number, status, NOW - timedelta(seconds=seconds_ago), description)


def snapshot(**parts: Any) -> Snapshot:
    """A snapshot of the release ollama; resources by name, the rest by field."""
    fields = {key: parts.pop(key) for key in list(parts) if key in Snapshot.__dataclass_fields__}
    return Snapshot(
        **{
            "release": "ollama",
            "namespace": "ollama",
            "now": NOW,
            "resources": {"secrets": (), **{key: tuple(items) for key, items in parts.items()}},
            **fields,
        }
    )


def record(release: str, number: int, status: str, info: Mapping[str, Any], manifest: str = "") -> Object:
    """A Secret as helm writes it."""
    content = json.dumps({"name": release, "info": info, "manifest": manifest}).encode()
    packed = base64.b64encode(base64.b64encode(gzip.compress(content))).decode()
    labels = {"owner": "helm", "name": release, "version": str(number), "status": status}
    metadata = {"name": f"sh.helm.release.v1.{release}.v{number}", "labels": labels}
    return {"type": "helm.sh/release.v1", "metadata": metadata, "data": {"release": packed}}
