"""Helm's records of a release: each revision is a Secret."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from ops.diagnosis.masking import HELM_RECORD
from ops.diagnosis.objects import WORKLOADS, Object, Revision, moment

UNDER_WAY = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
"""What helm calls a revision that it is at work on, or was when it was killed; it begins nothing else meanwhile."""
GOOD = ("deployed", "superseded")
"""What helm calls a revision that was ready once."""
TAKEN_BACK = "private-chatgpt/taken-back"
"""Annotation of the record of a revision by which `recover` took a release back: it counts as the stack's own."""
NAME_PREFIX = "sh.helm.release.v1."
"""What the names of records begin with; release, `.v` and number follow."""
UNPACKED = 2
"""How many of the latest records are unpacked: the one that holds now and the one before it."""


def revisions_of(release: str, secrets: Iterable[Object]) -> list[Revision]:
    """The release's revisions, oldest first; only the latest two with what is inside."""
    records = records_of(release, secrets)
    plain, unpacked = records[:-UNPACKED], records[-UNPACKED:]
    return [*map(_from_labels, plain), *map(_from_record, unpacked)]


def records_of(release: str, secrets: Iterable[Object]) -> list[Object]:
    """The Secrets that are helm's records of the release, oldest first."""
    records = [
        item
        for item in secrets
        if item.get("type") == HELM_RECORD and (item["metadata"].get("labels") or {}).get("name") == release
    ]
    return sorted(records, key=number_of)


def number_of(record: Object) -> int:
    """Which revision a record is of."""
    return int(record["metadata"]["labels"]["version"])


def status_of(record: Object) -> str:
    """Helm's word on the revision, such as `deployed`."""
    return str(record["metadata"]["labels"]["status"])


def unpack(secret: Object) -> Object | None:
    """What a record holds; None for one that is cut off, or that a helm wrote which packs them otherwise."""
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        record: Object = json.loads(gzip.decompress(packed))
    except (KeyError, ValueError, OSError, EOFError, zlib.error):
        return None
    return record


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
    return Revision(number_of(secret), status_of(secret))


def _from_record(secret: Object) -> Revision:
    plain = _from_labels(secret)
    record = unpack(secret)
    if record is None:
        # Number and status are enough to go on.
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
