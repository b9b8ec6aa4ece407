"""Helm's records of releases that an operation was begun on and not ended."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.history import GOOD, UNDER_WAY
from ops.diagnosis.objects import Object, ago
from ops.diagnosis.reading import UnreachableError, connect
from ops.preflight_checks.reading import JSON, Api, Deadline, in_short

METADATA = f"{JSON};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Names and labels are enough: a record holds a whole chart."""
WITHIN = 5
"""Seconds in which the cluster must have answered."""


@dataclass(frozen=True)
class ReleaseName:
    """A release, by what helm calls it."""

    name: str
    namespace: str


@dataclass(frozen=True)
class Revision:
    """One record, as its labels tell it."""

    number: int
    status: str
    since: datetime | None
    """When helm last wrote it; to the second."""


@dataclass(frozen=True)
class Records:
    """All that helm knows of a release, oldest first."""

    release: ReleaseName
    revisions: Sequence[Revision]
    known: int | None = None
    """The revision that the engine noted last, where it had begun another one when it was killed."""
    unnoted: bool = False
    """Whether the engine's state was lost before it noted the release."""

    @property
    def latest(self) -> Revision | None:
        """The newest revision; None where the release is not installed."""
        return self.revisions[-1] if self.revisions else None

    @property
    def is_under_way(self) -> bool:
        """Whether helm's word is that an operation goes on: then it refuses every other."""
        return self.latest is not None and self.latest.status in UNDER_WAY

    @property
    def is_half_done(self) -> bool:
        """Whether an operation was begun, and neither ended with the engine's knowledge nor taken back.

        A failed revision is half done too: `up` takes back what it fails at, by a further revision.
        """
        if self.latest is None:
            return False
        newer = self.known is not None and self.known < self.latest.number
        return self.is_under_way or self.latest.status == "failed" or newer or self.unnoted

    @property
    def good(self) -> Revision | None:
        """The revision to go back to, None where there never was one.

        The one that the engine knows: what an orphan brought to its end since, no refresh makes it notice (the inputs
        of a release stay; pulumi-kubernetes 4.25, measured 2026-11). Else the deployed one, else the last that was.
        """
        if noted := [item for item in self.revisions if item.number == self.known and item.status in GOOD]:
            return noted[0]
        for status in GOOD:
            if found := [item for item in self.revisions if item.status == status]:
                return found[-1]
        return None

    def told(self, now: datetime | None = None) -> str:
        """The latest revision in words, such as `revision 2 is pending-upgrade since 40 s ago`."""
        latest = self.latest
        if latest is None:
            return "not installed"
        when = f" since {ago(latest.since, now or datetime.now(UTC))}" if latest.since else ""
        return f"revision {latest.number} is {latest.status}{when}"


def read_records(context: str, kubeconfig: Path | str | None, releases: Iterable[ReleaseName]) -> list[Records]:
    """Helm's records of each release, one request a release; raises UnreachableError where one can't be read."""
    with connect(context, kubeconfig) as api_client:
        return [records_of(api_client, release) for release in releases]


def records_of(api_client: client.ApiClient, release: ReleaseName) -> Records:
    """Helm's records of one release; raises UnreachableError where they can't be read."""
    path = f"/api/v1/namespaces/{release.namespace}/secrets"
    try:
        answer = Api(api_client, Deadline(time.monotonic() + WITHIN)).get(
            path, accept=METADATA, labelSelector=f"owner=helm,name={release.name}"
        )
    except (client.ApiException, HTTPError, OSError, ValueError) as error:
        raise UnreachableError(
            f"helm's records in namespace {release.namespace} can't be read: {in_short(error)}"
        ) from error
    # An empty list of metadata is null (Kubernetes 1.36.3, 2026-11).
    return Records(release, sorted(map(_revision, answer["items"] or ()), key=lambda item: item.number))


def refusal(stack: str, context: str, kubeconfig: Path | str | None, release: ReleaseName) -> str | None:
    """Why the release must not be touched now, as an error message; None where nothing is under way, or can't be told.

    Asked while the stack's lock is held: nobody else's `up` of this stack can be at work.
    """
    try:
        (records,) = read_records(context, kubeconfig, [release])
    except UnreachableError:
        return None  # Helm finds out, and the error hook explains it.
    if not records.is_under_way:
        return None
    return (
        f"release {release.name} in namespace {release.namespace}: helm's {records.told()}. What was at work on it was "
        "interrupted, or still is without its engine. Nothing was changed.\n"
        f"  What is left behind, and to mend it: make recover STACK={stack}  (python -m ops recover --stack {stack})"
    )


def _revision(secret: Object) -> Revision:
    labels = secret["metadata"]["labels"]
    written = labels.get("modifiedAt") or labels.get("createdAt")
    since = datetime.fromtimestamp(int(written), UTC) if written and written.isdigit() else None
    return Revision(int(labels["version"]), str(labels["status"]), since)
