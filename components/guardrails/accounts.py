"""Helm values by which the apps' pods would get a token of the Kubernetes API, or rights there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.chart_parts import extra_objects, kind_of, switched_on
from components.charts import LIBRECHAT
from components.faults import Fault
from components.guardrails.apps import MEILISEARCH_ACCOUNT
from components.provenance import KeyPath, Sources, dotted
from components.values import Values, dig, entries, section

Keys = tuple[str, ...]

OF_BITNAMI: tuple[Keys, ...] = (
    *(
        (*at, *key)
        for at in (
            ("mongodb",),
            ("mongodb", "arbiter"),
            ("mongodb", "hidden"),
            ("redis",),
            ("redis", "master"),
            ("redis", "replica"),
        )
        for key in (("automountServiceAccountToken",), ("serviceAccount", "automountServiceAccountToken"))
    ),
    ("mongodb", "passwordUpdateJob", "automountServiceAccountToken"),
    ("mongodb", "rbac", "create"),
    ("redis", "rbac", "create"),
)
"""What is off by default (mongodb 16.5.45, redis 24.1.3)."""
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
WHY = (
    "but nothing here calls the Kubernetes API: a token in a pod, or rights, would be there for whoever breaks into it"
)


def account_faults(values: Mapping[str, Values], sources: Mapping[str, Sources]) -> Iterator[Fault]:
    """What would give a pod more than nothing at the Kubernetes API; `values` are the final ones, both by release."""
    for release, of_release in values.items():
        for path, found, cure in _given(release, of_release):
            place = sources[release].origin(path).place
            shown = json.dumps(found, default=str)
            yield Fault(None, f"{place}: {dotted(path)} found {shown}, {WHY}; allowed: {cure}")


def _given(release: str, values: Values) -> Iterator[tuple[KeyPath, Any, str]]:
    """The values that give something: path, what was found there, what is allowed and to be done."""
    for keys, wanted in _wanted(release, values):
        if (found := dig(values, *keys)) != wanted:
            cure = "Drop it; a cloud's identity needs serviceAccount.annotations alone"
            yield keys, found, f"{json.dumps(wanted)}. {cure}"
    for path in _projected(values):
        cure = "an audience of its own, which the Kubernetes API takes no token of. Drop it, or name one"
        yield path, "no audience", cure
    for path, item in extra_objects(release, values):
        if (kind := kind_of(item)) in BINDINGS:
            yield path, kind, "other kinds. Drop it; groups of people get their rights by access"


def _projected(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Where a volume, in whatever list of them, holds a token that the Kubernetes API takes."""
    for key, item in entries(value).items():
        path = (*at, key)
        if key == "serviceAccountToken" and isinstance(item, Mapping) and not item.get("audience"):
            yield path
        yield from _projected(item, path)


def _wanted(release: str, values: Values) -> Iterator[tuple[Keys, Any]]:
    """What has to stand where; what is as it is by default only where the values say something."""
    yield ("serviceAccount", "automount"), False
    by_default: dict[Keys, Any] = {("serviceAccount", "create"): True}
    if release == LIBRECHAT.name:
        by_default |= dict.fromkeys(OF_BITNAMI, False)
        # Its chart can't leave the token out of an account of its own (0.11.0): the stack makes one without.
        for key, wanted in (("create", False), ("name", MEILISEARCH_ACCOUNT)):
            if switched_on(values, ("meilisearch",)):
                yield ("meilisearch", "serviceAccount", key), wanted
    for path, wanted in by_default.items():
        said = path[-1] in section(values, *path[:-1])
        # Of a Bitnami chart null is as good as false.
        if said and switched_on(values, path) and (wanted or dig(values, *path) is not None):
            yield path, wanted
