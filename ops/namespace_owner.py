"""Whose a namespace is, asked before a stack makes it.

The provider makes a Namespace by server-side apply, and the annotation by which up undoes other people's edits
(`components/ownership.py`) lets that apply overrule whoever is there: a namespace of another stack, or one that was
made by hand, would be taken over without a word, and its end would be this stack's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.objects import Object
from ops.diagnosis.reading import REQUEST_TIMEOUT, UnreachableError, connect
from ops.preflight_checks.names import OWNER, TEAM, owner_of
from ops.preflight_checks.reading import in_short


def namespace_refusal(context: str, namespace: str, app: str, labels: Mapping[str, str], *, adopt: bool) -> str | None:
    """Why the stack must not take the namespace of that name; None where it is free, or the stack's already.

    `labels` are those that the stack would give it. With `adopt` it may take one that is no other stack's. Of a cluster
    that does not answer the engine will say so itself.
    """
    try:
        with connect(context) as api:
            found: Any = client.CoreV1Api(api).read_namespace(namespace, _request_timeout=REQUEST_TIMEOUT)
            live: Object = api.sanitize_for_serialization(found)  # type: ignore[no-untyped-call]
    except client.ApiException as error:
        if error.status == 404:
            return None
        return f"Whose the namespace {namespace} is can't be told: {in_short(error)}. Nothing was changed in it."
    except (UnreachableError, HTTPError, OSError):
        return None
    theirs = live["metadata"].get("labels") or {}
    # The team, too: stacks of two backends may have one name. Whoever gets a team later has its namespaces already.
    ours = all(theirs.get(key) == labels.get(key) for key in (*OWNER, TEAM))
    if ours and live["metadata"].get("deletionTimestamp"):
        return f"The namespace {namespace} is being deleted: wait until it is gone (kubectl get namespace {namespace})."
    if ours or (adopt and OWNER[1] not in theirs):
        return None
    no_team = ", of no team" if labels.get(TEAM) and OWNER[1] in theirs and TEAM not in theirs else ""
    return (
        f"The namespace {namespace} is there, and not this stack's: {owner_of(live)}{no_team}. It was not changed.\n"
        f"  Set {app}.namespace, or team, to a name that is free on this cluster, or have that namespace deleted if "
        "nobody needs it."
    )
