"""One release of a cluster, examined: read, judged, completed by logs, and masked before anybody sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kubernetes.client import ApiClient

from ops.diagnosis.causes import Cause
from ops.diagnosis.expected import expected_pods, expected_resources
from ops.diagnosis.judging import Diagnosis, State, judge
from ops.diagnosis.masking import Masker, secret_texts
from ops.diagnosis.objects import Snapshot, name
from ops.diagnosis.reading import log_tail, may_not_create, read
from ops.diagnosis.words import shortened

LOGS = 2
"""Of how many causes the container's log is shown."""
LONGEST_LINE = 4000
"""Characters of a log line that are looked at: more would only be cut away again."""


def examine(
    api: ApiClient,
    namespace: str,
    release: str,
    *,
    since: datetime | None = None,
    errors: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """How the release stands and why, with no secret in it; raises UnreachableError where the cluster doesn't answer.

    `since` is when the operation in question began, `errors` what it failed with, newest first, and `values` are the
    release's Helm values: they tell what pods that are gone asked for.
    """
    snapshot = read(api, namespace, release, expected_pods(release, values or {}))
    found = judge(snapshot, since, errors)
    if not found.causes and found.state in (State.NOT_INSTALLED, State.UNKNOWN) and snapshot.namespace_found:
        # A refusal while helm makes its objects leaves no event behind.
        forbidden = may_not_create(api, namespace, expected_resources(release))
        found = judge(replace(snapshot, forbidden=forbidden), since, errors)
    mask = _masker(snapshot)
    return _masked(_with_logs(api, snapshot, found, mask), mask)


def _masker(snapshot: Snapshot) -> Masker:
    # A Secret may hold a user's name that is also the release's: what everybody sees anyway is no secret.
    known = {name(item) for items in snapshot.resources.values() for item in items}
    known |= {name(node) for node in snapshot.nodes} | {snapshot.release, snapshot.namespace}
    return Masker(secret_texts(snapshot.all("secrets"), snapshot.all("pods")), known)


def _with_logs(api: ApiClient, snapshot: Snapshot, diagnosis: Diagnosis, mask: Masker) -> Diagnosis:
    """The last log lines of containers that crashed, or why they are not shown."""
    crashed = [cause for cause in diagnosis.causes if cause.log][:LOGS]
    if not crashed:
        return diagnosis
    if not snapshot.knows_records:
        # An application may log anything: without knowing the secrets, nobody can tell that there is none in it.
        bare = {id(cause): replace(cause, details=()) for cause in crashed}
        note = "no log lines are shown: the Secrets of the namespace, by which they are masked, can't be read"
        return _with(diagnosis, bare, note)
    return _with(diagnosis, {id(cause): _with_log(api, snapshot.namespace, cause, mask) for cause in crashed})


def _with_log(api: ApiClient, namespace: str, cause: Cause, mask: Masker) -> Cause:
    if cause.log is None:
        return cause
    # Masked before they are cut: half a secret is a secret too.
    lines = [f"log: {shortened(mask(line[:LONGEST_LINE]), 200)}" for line in log_tail(api, namespace, cause.log)]
    return replace(cause, details=tuple(lines)) if lines else cause


def _with(diagnosis: Diagnosis, changed: Mapping[int, Cause], *notes: str) -> Diagnosis:
    causes = tuple(changed.get(id(cause), cause) for cause in diagnosis.causes)
    return replace(diagnosis, causes=causes, notes=(*diagnosis.notes, *notes))


def _masked(diagnosis: Diagnosis, mask: Masker) -> Diagnosis:
    causes = tuple(
        replace(
            cause,
            subject=mask(cause.subject),
            text=mask(cause.text),
            details=tuple(map(mask, cause.details)),
            cure=mask(cause.cure),
        )
        for cause in diagnosis.causes
    )
    notes = tuple(map(mask, diagnosis.notes))
    return replace(diagnosis, headline=mask(diagnosis.headline), causes=causes, notes=notes)
