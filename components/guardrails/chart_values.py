"""Helm values that would take an app away from what stands around it: names, labels and ports, policies beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from components import ports
from components.chart_parts import PARTS, extra_objects, kind_of, switched_on
from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.provenance import KeyPath, Sources, dotted
from components.settings import NetworkSettings
from components.values import Values, dig, section

WITH_POLICY = ("mongodb", "redis")
"""Those that make a NetworkPolicy, which lets everybody in and everything out unless told otherwise (2026-11)."""
OPENING = ("allowExternal", "allowExternalEgress")
RENAMING: tuple[KeyPath, ...] = (
    ("nameOverride",),
    ("fullnameOverride",),
    ("namespaceOverride",),
    ("global", "namespaceOverride"),
    ("service", "nameOverride"),
)
SELECTED_BY = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
LABELS: Mapping[str, tuple[KeyPath, ...]] = {
    OLLAMA.name: (("podLabels",),),
    LIBRECHAT.name: (
        ("podLabels",),
        ("mongodb", "podLabels"),
        ("mongodb", "commonLabels"),
        ("mongodb", "arbiter", "podLabels"),
        ("mongodb", "hidden", "podLabels"),
        ("meilisearch", "podLabels"),
        ("meilisearch", "customLabels"),
        ("redis", "commonLabels"),
        ("redis", "master", "podLabels"),
        ("redis", "replica", "podLabels"),
    ),
}
"""Where labels stand that pods get."""
PORTS: Mapping[str, Mapping[KeyPath, int]] = {
    OLLAMA.name: {("ollama", "port"): ports.OLLAMA, ("service", "port"): ports.OLLAMA},
    LIBRECHAT.name: {
        **{("service", port): ports.LIBRECHAT for port in ("port", "targetPort", "containerPort")},
        ("mongodb", "containerPorts", "mongodb"): ports.MONGODB,
        ("mongodb", "service", "ports", "mongodb"): ports.MONGODB,
        ("mongodb", "arbiter", "containerPorts", "mongodb"): ports.MONGODB,
        ("mongodb", "hidden", "containerPorts", "mongodb"): ports.MONGODB,
        ("meilisearch", "container", "containerPort"): ports.MEILISEARCH,
        ("meilisearch", "service", "port"): ports.MEILISEARCH,
        ("redis", "master", "containerPorts", "redis"): ports.REDIS,
        ("redis", "master", "service", "ports", "redis"): ports.REDIS,
        ("redis", "replica", "containerPorts", "redis"): ports.REDIS,
    },
}
"""What pods and their Services are known by; the subcharts' are so by default."""
POLICIES = re.compile(r"\w*NetworkPolicy")
"""Kubernetes' kind, and those of network plugins."""


def guardrail_faults(
    network: NetworkSettings, values: Mapping[str, Values], sources: Mapping[str, Sources]
) -> Iterator[Fault]:
    """What the guardrails would not hold for; `values` are the final ones, both by release."""
    for release, of_release in values.items():
        yield from _names(release, of_release, sources[release])
        yield from _labels(release, of_release, sources[release])
        yield from _ports(release, of_release, sources[release])
        if network.policies:
            yield from _extra_policies(release, of_release, sources[release])
    if LIBRECHAT.name in values and network.policies:
        yield from _policies(values[LIBRECHAT.name], sources[LIBRECHAT.name])


def _names(release: str, values: Values, sources: Sources) -> Iterator[Fault]:
    parts = [part for part in PARTS if release == LIBRECHAT.name and section(values, part).get("enabled")]
    wanted: dict[KeyPath, str] = {(*at, *key): "" for at in ((), *((part,) for part in parts)) for key in RENAMING}
    # By its own name for itself, LibreChat's chart would double the release's (2026-11, facts.md).
    wanted["fullnameOverride",] = release
    for path, name in wanted.items():
        found = dig(values, *map(str, path))
        if (found or "") != name:
            yield Fault(
                None,
                f"{sources.origin(path).place}: {dotted(path)} found {json.dumps(found, default=str)}, but network "
                "rules, budgets and addresses know pods and Services by the names that they have without it; allowed: "
                f"nothing here. Drop it; a namespace is set by {release}.namespace",
            )


def _labels(release: str, values: Values, sources: Sources) -> Iterator[Fault]:
    for at in LABELS[release]:
        path: KeyPath
        for path in ((*at, label) for label in SELECTED_BY):
            found = dig(values, *path)
            if found is not None and switched_on(values, path):
                yield Fault(
                    None,
                    f"{sources.origin(path).place}: {dotted(at)} found {path[-1]}: {json.dumps(found, default=str)}, "
                    "but network rules and budgets know pods by that label as the chart writes it; allowed: other "
                    "labels. Drop it",
                )


def _ports(release: str, values: Values, sources: Sources) -> Iterator[Fault]:
    for path, port in PORTS[release].items():
        found = dig(values, *path)
        if found is not None and str(found) != str(port) and switched_on(values, path):
            yield Fault(
                None,
                f"{sources.origin(path).place}: {dotted(path)} found {json.dumps(found, default=str)}, but network "
                f"rules and addresses lead to {port}; allowed: {port}. Drop it",
            )


def _extra_policies(release: str, values: Values, sources: Sources) -> Iterator[Fault]:
    for path, item in extra_objects(release, values):
        kind = kind_of(item)
        if POLICIES.fullmatch(kind):
            yield Fault(
                None,
                f"{sources.origin(path).place}: {dotted(path)} found {kind}, and policies add up: it could let in and "
                f"out what the stack's do not; allowed: other kinds. Use {release}.egress, ollama.clients or the keys "
                "of network. To do without the stack's: network.policies: false",
            )


def _policies(values: Values, sources: Sources) -> Iterator[Fault]:
    for part in WITH_POLICY:
        policy = section(values, part, "networkPolicy")
        made = section(values, part).get("enabled") and policy.get("enabled", True)
        if made and any(policy.get(key, True) is not False for key in OPENING):
            path: KeyPath = (part, "networkPolicy", "enabled")
            said: KeyPath = path if policy.get("enabled") else (part, "enabled")
            yield Fault(
                None,
                f"{sources.origin(said).place}: {dotted(path)} {'found' if said == path else 'is by default'} true, "
                "and policies add up: the chart's lets every pod of the cluster in and everything out, whatever the "
                f"stack's say; allowed: false, which leaves the stack's own, or {' and '.join(OPENING)} false beside "
                "it. To do without the stack's: "
                "network.policies: false",
            )
