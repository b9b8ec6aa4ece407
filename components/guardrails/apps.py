"""What stands around each of the two apps, from the stack's settings and the apps' final Helm values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.charts import LIBRECHAT, OLLAMA
from components.exposure import at_nodes, through_controller
from components.guardrails.countable import claims_of_each_pod
from components.guardrails.devices import devices
from components.guardrails.network import (
    ANYBODY,
    Peer,
    controllers,
    librechat_in,
    policies_of_librechat,
    policies_of_ollama,
    rules_to_models,
)
from components.guardrails.network import pods as pods_labels
from components.guardrails.objects import Guardrails, priority_of
from components.guardrails.quota import Usage, limit_range, of_deployment, of_resources, quota
from components.ingress import asks_for_certificates
from components.platform import Platform
from components.replicas import Shared, several
from components.settings import LibreChatSettings, OllamaSettings
from components.values import Values, section

MEILISEARCH_ACCOUNT = "meilisearch"
"""Meilisearch's chart can't be told to leave a ServiceAccount's token out (0.11.0), so this one takes its place."""


def ollama_usage(values: Values) -> Usage:
    """What Ollama takes: its pod with the GPUs that the chart adds, and the volume of its models."""
    volume = section(values, "persistentVolume")
    claims = [str(volume["size"])] if volume.get("enabled") and not volume.get("existingClaim") else []
    pods = of_deployment(values, {resource: str(count) for resource, count in devices(values).items()})
    return Usage([pods], [*claims, *_of_each_pod(values) * pods.at_most], _reaches_out(values))


def librechat_usage(values: Values) -> Usage:
    """What LibreChat, MongoDB, Meilisearch and Redis take, as far as they are in this release."""
    shared = Shared.of(values)
    pods, reaches_out = [of_deployment(values)], _reaches_out(values)
    claims = _of_each_pod(values) * pods[0].at_most
    images = section(values, "librechat", "imageVolume")
    if images.get("enabled"):
        claims.append(str(images["size"]))
    for part in ("mongodb", "meilisearch"):
        of_part = section(values, part)
        if of_part.get("enabled"):
            counted = {**of_part, "replicaCount": shared.members} if part == "mongodb" else of_part
            pods.append(of_resources(counted, preset="small" if part == "mongodb" else "none"))
            reaches_out = reaches_out or _reaches_out(of_part)
            if section(of_part, "persistence").get("enabled"):
                claims += [str(of_part["persistence"]["size"])] * pods[-1].replicas
            claims += _of_each_pod(of_part) * pods[-1].at_most
    if shared.members and section(values, "mongodb", "arbiter").get("enabled", True):
        arbiter = section(values, "mongodb", "arbiter")
        pods.append(of_resources(arbiter, preset="small"))
        claims += _of_each_pod(arbiter) * pods[-1].at_most
    if shared.redis:
        master = section(values, "redis", "master")
        pods.append(of_resources({**master, "replicaCount": master.get("count")}, preset="nano"))
        if section(master, "persistence").get("enabled", True):
            claims += [str(section(master, "persistence").get("size") or "8Gi")] * pods[-1].replicas
        claims += _of_each_pod(master) * pods[-1].at_most
    return Usage(pods, claims, reaches_out)


def around_ollama(platform: Platform, settings: OllamaSettings, values: Values) -> Guardrails:
    """What stands around Ollama."""
    deployed = platform.deployed_values(OLLAMA.name, values)
    usage = ollama_usage(deployed)
    callers = list(_callers(platform, settings, values))
    policies = policies_of_ollama(
        OLLAMA.name, callers, platform.network, registry=settings.registry, egress=settings.egress
    )
    return Guardrails(
        pod_security=settings.pod_security,
        policies=policies if platform.network.policies else {},
        quota=quota(usage, settings.quota),
        limits=limit_range(usage),
        # A rollback names the class of its revision: that one has to be there.
        priority=priority_of(deployed.get("priorityClassName"), settings.namespace),
        budgets=_budgets(OLLAMA.name, "ollama", values),
    )


def around_librechat(platform: Platform, settings: LibreChatSettings, values: Values) -> Guardrails:
    """What stands around LibreChat, MongoDB and Meilisearch."""
    usage = librechat_usage(platform.deployed_values(LIBRECHAT.name, values))
    models = rules_to_models(platform.models_for(LIBRECHAT.name))
    ingress = controllers(platform.network) if section(values, "ingress").get("enabled") else []
    shared = Shared.of(values)
    parts = [part for part in ("mongodb", "meilisearch") if section(values, part).get("enabled")]
    policies = policies_of_librechat(
        LIBRECHAT.name,
        models,
        platform.network,
        callers=[*ingress, *(ANYBODY if at_nodes(values) else [])],
        egress=settings.egress,
        parts=[*parts, *(["members"] if shared.members else []), *(["redis"] if shared.redis else [])],
        elsewhere=[place for part in (settings.mongodb, settings.meilisearch) if part for place in part.at],
        certificates=asks_for_certificates(values),
    )
    return Guardrails(
        pod_security=settings.pod_security,
        policies=policies if platform.network.policies else {},
        quota=quota(usage, settings.quota),
        limits=limit_range(usage),
        accounts=(MEILISEARCH_ACCOUNT,) if "meilisearch" in parts else (),
        budgets=_budgets(LIBRECHAT.name, "librechat", values),
    )


def client_namespaces(own: str | None, settings: OllamaSettings) -> tuple[str, ...]:
    """Namespaces whose LibreChat may call Ollama: first `own`, that of the stack's, where it has one."""
    return tuple(dict.fromkeys([*([own] if own else []), *settings.clients]))


def _callers(platform: Platform, settings: OllamaSettings, values: Values) -> Iterator[Peer]:
    """Who may call Ollama; from outside of the cluster nobody, unless its values lead there."""
    own = platform.namespaces.get(LIBRECHAT.name)
    for namespace in client_namespaces(own, settings):
        yield librechat_in(namespace, LIBRECHAT.name if namespace == own else None)
    if through_controller(values):
        yield from controllers(platform.network)
    if at_nodes(values):
        yield from ANYBODY


def _budgets(release: str, name: str, values: Values) -> dict[str, dict[str, str]]:
    """Of a Deployment with several pods: neither chart makes one (ollama 1.77.0, librechat 2.0.7)."""
    return {name: pods_labels(release, name)} if several(values) else {}


def _of_each_pod(workload: Mapping[str, Any]) -> list[str]:
    """Sizes of the claims that are made for each pod of a workload and go with it."""
    return [str(size) for size in claims_of_each_pod(workload).values()]


def _reaches_out(values: Mapping[str, Any]) -> bool:
    return bool(section(values, "service").get("type", "ClusterIP") != "ClusterIP")
