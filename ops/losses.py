"""What the destruction of a stack takes away for good: namespaces, what is in their claims, and generated keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.claims import KEEP
from ops.diagnosis.objects import RELEASE_ANNOTATION
from ops.diagnosis.reading import REQUEST_TIMEOUT, UnreachableError, connect
from ops.preflight_checks.reading import in_short
from ops.recovery.place import Place
from ops.recovery.state import State
from ops.tokens import GENERATED_KEY, NAMESPACE


@dataclass(frozen=True)
class Claim:
    """One volume claim, which goes with its namespace."""

    name: str
    namespace: str
    size: str
    """What its volume has, or what was asked for; such as `10Gi`."""
    volume: str
    """What becomes of the volume: `deleted`, `stays (reclaim policy Retain)`, `none yet`, `not known`."""
    kept_by_helm: bool
    """Helm says that it keeps the claim: from uninstalling the release, not from the namespace's end."""


@dataclass(frozen=True)
class Losses:
    """What the stack holds."""

    namespaces: tuple[str, ...]
    claims: tuple[Claim, ...]
    keys: tuple[str, ...]
    """Generated keys that only the state holds, by their names in the program."""
    protected: int
    """Resources that the engine refuses to delete, as the state has them now."""


def losses(place: Place, state: State) -> Losses:
    """What would be lost; raises UnreachableError where the cluster does not tell."""
    namespaces = tuple(str(item["id"]) for item in state.resources if item["type"] == NAMESPACE)
    with connect(place.context, place.kubeconfig) as api:
        core = client.CoreV1Api(api)
        return Losses(
            namespaces=namespaces,
            claims=tuple(claim for namespace in namespaces for claim in _claims(core, namespace)),
            keys=tuple(item["urn"].split("::", 3)[3] for item in state.resources if item["type"] == GENERATED_KEY),
            protected=sum(bool(item.get("protect")) for item in state.resources),
        )


def _claims(core: client.CoreV1Api, namespace: str) -> Iterator[Claim]:
    try:
        listed: Any = core.list_namespaced_persistent_volume_claim(namespace, _request_timeout=REQUEST_TIMEOUT)
    except (client.ApiException, HTTPError, OSError) as error:
        raise UnreachableError(f"the claims in namespace {namespace} can't be read: {in_short(error)}") from error
    for item in listed.items:
        size = (item.status.capacity or item.spec.resources.requests or {}).get("storage", "?")
        # Of a StatefulSet's claims helm knows nothing.
        notes = item.metadata.annotations or {}
        kept = notes.get(KEEP) == "keep" and RELEASE_ANNOTATION in notes
        yield Claim(item.metadata.name, namespace, str(size), _fate(core, item.spec.volume_name), kept)


def _fate(core: client.CoreV1Api, volume: str | None) -> str:
    if not volume:
        return "none yet"
    try:
        found: Any = core.read_persistent_volume(volume, _request_timeout=REQUEST_TIMEOUT)
    except (client.ApiException, HTTPError, OSError):
        return "not known"
    policy = found.spec.persistent_volume_reclaim_policy
    return "deleted" if policy == "Delete" else f"stays (reclaim policy {policy})"
