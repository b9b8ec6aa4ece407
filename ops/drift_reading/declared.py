"""What a release declares: the manifests in helm's record of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ops.diagnosis import history
from ops.diagnosis.objects import Object, annotation
from ops.drift_reading.fields import Manager, managers_of, owner_of
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.view import Kind

RECORDS_BY = "pulumi-kubernetes"
"""Field manager of the provider's records; those of helm's own command are by `Helm` (measured, 2026-11-21)."""
REFERENCES = frozenset({"secretRef", "secretKeyRef", "configMapRef", "configMapKeyRef", "configMap", "secret"})
"""Keys of a pod that name a Secret or a ConfigMap; the last one in a projected volume."""
ISSUER = "cert-manager.io/issuer"
"""Annotation of an Ingress whose certificate an Issuer of the namespace makes (cert-manager, 2026-11)."""


class RecordError(ValueError):
    """Helm's records don't tell what the release declares; the message says why."""


class NotInstalledError(RecordError):
    """Helm has no record of the release at all."""


@dataclass(frozen=True)
class Overtaken:
    """A revision that somebody deployed by helm's own command: neither the engine nor the release's objects show it."""

    own: int
    """The stack's latest revision."""
    by: Manager
    revision: int


@dataclass(frozen=True)
class Declared:
    """What a release declares."""

    release: str
    namespace: str
    status: str
    """Helm's word on the latest revision, such as `deployed` or `pending-upgrade`."""
    changed: str
    """When helm began with that revision, in the form of the API server."""
    overtaken: Overtaken | None
    """Set where somebody deployed something else since the stack did."""
    record: Object
    """The Secret of the revision that was deployed last."""
    objects: tuple[Object, ...]
    hooks: frozenset[tuple[str, str]]
    """Kind and name of what helm makes beside them, such as tests."""

    @property
    def is_pending(self) -> bool:
        """Whether helm is at work on it, or was when it was killed."""
        return self.status in history.UNDER_WAY


def declared_of(release: str, namespace: str, secrets: Iterable[Object]) -> Declared:
    """What helm's records say.

    Raises RecordError where there is none of a deployed revision, NotInstalledError where there is none at all.
    """
    records = history.records_of(release, secrets)
    if not records:
        text = f"helm has no record of the release {release} in the namespace {namespace}: not deployed"
        raise NotInstalledError(text)
    latest = records[-1]
    deployed = [item for item in records if history.status_of(item) == "deployed"]
    status = history.status_of(latest)
    changed = str(latest["metadata"]["creationTimestamp"])
    if not deployed and status not in history.UNDER_WAY:
        raise RecordError(f"no revision of the release {release} is deployed: helm says {status}")
    if not deployed:
        return Declared(release, namespace, status, changed, None, latest, (), frozenset())
    record = unpack(deployed[-1])
    try:
        objects = tuple(_owned(item, release, namespace) for item in _documents(record.get("manifest") or ""))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        name = deployed[-1]["metadata"]["name"]
        raise RecordError(f"the manifests in helm's record {name} can't be read: {error}") from error
    hooks = frozenset((str(hook.get("kind")), str(hook.get("name"))) for hook in record.get("hooks") or ())
    overtaken = _overtaken(records, deployed[-1], record)
    return Declared(release, namespace, status, changed, overtaken, deployed[-1], objects, hooks)


def _overtaken(records: Sequence[Object], deployed: Object, content: Mapping[str, Any]) -> Overtaken | None:
    """Set where the stack didn't write what is deployed, and its own latest revision says something else."""
    own = [item for item in records if history.status_of(item) in history.GOOD and _is_ours(item)]
    by = _maker(deployed)
    if not own or own[-1] is deployed or by is None or unpack(own[-1]).get("manifest") == content.get("manifest"):
        return None
    return Overtaken(history.number_of(own[-1]), by, history.number_of(deployed))


def _maker(record: Object) -> Manager | None:
    # Whoever marks it as superseded later writes to its labels, and never to its type.
    return owner_of(("f:type",), managers_of(record))


def _is_ours(record: Object) -> bool:
    maker = _maker(record)
    return annotation(record, history.TAKEN_BACK) is not None or (maker is not None and maker.name == RECORDS_BY)


def unpack(secret: Object) -> dict[str, Any]:
    """What stands in one of helm's records; raises RecordError where it is cut off or packed in no known way."""
    record = history.unpack(secret)
    if record is None:
        raise RecordError(f"helm's record {secret['metadata']['name']} can't be read")
    return dict(record)


def pack(record: Mapping[str, Any]) -> str:
    """A record as it stands in the Secret."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return base64.b64encode(base64.b64encode(gzip.compress(text, mtime=0))).decode()


def ref_of(item: Object, namespace: str, kinds: Mapping[tuple[str, str], Kind]) -> Ref | None:
    """Where the API server has an object of a release; None where it doesn't serve that kind."""
    kind = kinds.get((item["apiVersion"], item["kind"]))
    if kind is None:
        return None
    inside = (item["metadata"].get("namespace") or namespace) if kind.namespaced else ""
    return Ref(item["apiVersion"], item["kind"], inside, item["metadata"]["name"])


def scaled(objects: Iterable[Object]) -> set[tuple[str, str]]:
    """Kind and name of what the declared HorizontalPodAutoscalers scale."""
    targets = (item["spec"]["scaleTargetRef"] for item in objects if item["kind"] == "HorizontalPodAutoscaler")
    return {(target["kind"], target["name"]) for target in targets}


def named_secrets(value: Any) -> Iterator[str]:
    """Names of the Secrets and ConfigMaps that a manifest refers to: somebody else may have to make those."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "secretName" and isinstance(inner, str):
                yield inner
            elif key in REFERENCES and isinstance(inner, Mapping) and "name" in inner:
                yield str(inner["name"])
            elif key == "imagePullSecrets" and isinstance(inner, list):
                yield from (str(item.get("name")) for item in inner)
            else:
                yield from named_secrets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_secrets(inner)


def named_objects(objects: Sequence[Object]) -> set[tuple[str, str]]:
    """Kind and name of what the objects of a release refer to, and somebody else may have made for them."""
    named = {(kind, name) for name in named_secrets(list(objects)) for kind in ("Secret", "ConfigMap")}
    issuers = {("Issuer", annotation(item, ISSUER)) for item in objects if item["kind"] == "Ingress"}
    return named | {(kind, name) for kind, name in issuers if name}


def _documents(manifest: str) -> Iterator[Object]:
    for document in yaml.load_all(manifest, Loader=yaml.CSafeLoader):
        if document:
            yield from (document.get("items") or ()) if document.get("kind") == "List" else (document,)


def _owned(item: Object, release: str, namespace: str) -> Object:
    """The object as helm sends it: without nulls, and with the marks by which it knows its own."""
    plain: dict[str, Any] = _without_nulls(item)
    metadata = dict(plain["metadata"])
    marks = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    plain["metadata"] = metadata
    texts = plain.pop("stringData", None) if plain["kind"] == "Secret" else None
    if texts:
        # The API server takes it, but never gives it back.
        encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
        plain["data"] = {**(plain.get("data") or {}), **encoded}
    return plain


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
