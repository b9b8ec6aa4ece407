"""Helm's records of a release: each revision is a Secret."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from ops.diagnosis.masking import HELM_RECORD
from ops.diagnosis.objects import WORKLOADS, Object, Revision, moment

UNPACKED = 2
"""How many of the latest records are unpacked: the one that holds now and the one before it."""


def revisions_of(release: str, secrets: Iterable[Object]) -> list[Revision]:
    """The release's revisions, oldest first; only the latest two with what is inside."""
    records = [
        item
        for item in secrets
        if item.get("type") == HELM_RECORD and (item["metadata"].get("labels") or {}).get("name") == release
    ]
    records.sort(key=lambda item: int(item["metadata"]["labels"]["version"]))
    plain, unpacked = records[:-UNPACKED], records[-UNPACKED:]
    return [*map(_from_labels, plain), *map(_from_record, unpacked)]


def rolled_back(revisions: Sequence[Revision]) -> bool:
    """Whether the release runs on what was before, since its latest upgrade failed."""
    if len(revisions) < 2:
        return False
    failed, latest = revisions[-2:]
    return latest.status == "deployed" and failed.status == "failed" and is_rollback(latest)


def is_rollback(revision: Revision) -> bool:
    """Whether helm made the revision to go back to an earlier one, with success or without."""
    # A rollback that fails is called `Release "x" failed`, as an install is; an upgrade `Upgrade "x" failed` (helm 3).
    failed = revision.number > 1 and revision.description.startswith("Release ")
    return failed or revision.description.startswith("Rollback")


def _from_labels(secret: Object) -> Revision:
    labels = secret["metadata"]["labels"]
    return Revision(int(labels["version"]), labels["status"])


def _from_record(secret: Object) -> Revision:
    plain = _from_labels(secret)
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        record = json.loads(gzip.decompress(packed))
    except (KeyError, ValueError, OSError):
        # Written by a helm that packs them otherwise: number and status are enough to go on.
        return plain
    info = record.get("info") or {}
    return Revision(
        number=plain.number,
        status=plain.status,
        deployed=moment(info.get("last_deployed")),
        description=info.get("description") or "",
        pod_specs=_pod_specs(record.get("manifest") or ""),
    )


def _pod_specs(manifest: str) -> dict[str, Object]:
    kinds = set(WORKLOADS.values())
    documents: Iterable[Any] = yaml.load_all(manifest, Loader=yaml.CSafeLoader)
    return {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]
        for document in documents
        if document and document.get("kind") in kinds
    }
