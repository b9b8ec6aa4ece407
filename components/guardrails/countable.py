"""Whether a quota can count what an app's final Helm values ask for.

Not where a number is none that Kubernetes takes, and not where the values start a part that nothing here counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.guardrails.quantities import amount
from components.guardrails.quota import DEFAULT_LIMIT, PRESETS, Amounts, Usage, init_containers, limit_range, needed
from components.provenance import KeyPath, Sources, dotted
from components.values import Values, dig, section

Keys = tuple[str, ...]

WORKLOADS: Mapping[str, tuple[Keys, ...]] = {
    OLLAMA.name: ((),),
    LIBRECHAT.name: ((), ("mongodb",), ("mongodb", "arbiter"), ("meilisearch",), ("redis", "master")),
}
"""Where the keys `resources` and `initContainers` are."""
VOLUMES: Mapping[str, tuple[Keys, ...]] = {
    OLLAMA.name: (("persistentVolume",),),
    LIBRECHAT.name: (
        ("librechat", "imageVolume"),
        ("mongodb", "persistence"),
        ("meilisearch", "persistence"),
        ("redis", "master", "persistence"),
    ),
}
COUNTS: Mapping[str, tuple[Keys, ...]] = {
    OLLAMA.name: (("replicaCount",), ("autoscaling", "maxReplicas"), ("ollama", "gpu", "number")),
    LIBRECHAT.name: (
        ("replicaCount",),
        ("autoscaling", "maxReplicas"),
        ("mongodb", "replicaCount"),
        ("meilisearch", "replicaCount"),
        ("redis", "master", "count"),
    ),
}
UNCOUNTED: Mapping[str, tuple[Keys, ...]] = {
    OLLAMA.name: (),
    LIBRECHAT.name: (
        ("librechat-rag-api", "enabled"),
        ("mongodb", "sidecars"),
        ("mongodb", "metrics", "enabled"),
        ("mongodb", "hidden", "enabled"),
        ("mongodb", "backup", "enabled"),
        ("mongodb", "passwordUpdateJob", "enabled"),
        ("mongodb", "arbiter", "sidecars"),
        ("meilisearch", "containers"),
        ("redis", "architecture"),
        ("redis", "metrics", "enabled"),
        ("redis", "sentinel", "enabled"),
        ("redis", "master", "sidecars"),
    ),
}
"""What starts further containers."""
UNCONNECTED: tuple[Keys, ...] = (
    ("librechat-rag-api", "enabled"),
    ("redis", "architecture"),
    ("redis", "sentinel", "enabled"),
)
"""Those of them whose pods call each other, or LibreChat them, and no network rule lets them."""
ONE_REDIS = "standalone"
"""The `redis.architecture` of a single pod; the chart's own has replicas (24.1.3)."""
FURTHER_VOLUMES = ("volumes", "extraVolumes")
"""What a workload of either chart, or of a subchart by Bitnami, has for volumes of any kind."""
CLAIM = ("ephemeral", "volumeClaimTemplate", "spec", "resources", "requests")


def unreadable(app: str, values: Values, sources: Sources) -> Iterator[Fault]:
    """The numbers of the values that Kubernetes would refuse, each with its place."""

    def fault(path: KeyPath, found: object, allowed: str) -> Fault:
        place = sources.origin(path).place
        return Fault(None, f"{place}: {dotted(path)} found {json.dumps(found, default=str)}; allowed: {allowed}")

    for path, found in _amounts(app, values):
        if not _is_amount(found):
            yield fault(path, found, "a quantity such as 500m or 2Gi")
    devices = (("ollama", "gpu", "mig", "devices", name) for name in section(values, "ollama", "gpu", "mig", "devices"))
    for keys in (*COUNTS[app], *devices):
        found = dig(values, *keys)
        if found is not None and not re.fullmatch(r"[0-9]+", str(found)):
            yield fault(keys, found, "a whole number, 0 or more")
    for workload in WORKLOADS[app]:
        holder = section(values, *workload)
        preset = holder.get("resourcesPreset")
        if preset is not None and not holder.get("resources") and preset not in PRESETS:
            yield fault((*workload, "resourcesPreset"), preset, f"{', '.join(PRESETS)}, or resources beside it")


def claims_of_each_pod(workload: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """Sizes of the claims that a workload's volumes make for each of its pods, by their paths inside it."""
    found: dict[KeyPath, Any] = {}
    for key in FURTHER_VOLUMES:
        for number, volume in enumerate(workload.get(key) or ()):
            if claim := section(volume, *CLAIM):
                found[key, number, *CLAIM, "storage"] = claim.get("storage")
    return found


def uncounted(app: str, values: Values, sources: Sources, usage: Usage, override: Amounts) -> Iterator[Fault]:
    """What the values start and `usage` doesn't count, unless the stack sets every entry of the quota itself."""
    names = needed(usage)
    if names.keys() <= override.keys():
        return
    for path in _uncounted(app, values):
        yield _started(
            path,
            values,
            sources,
            f"starts containers that aren't counted for the quota of {app}'s namespace, which might refuse them; "
            f"allowed: to go without, or {app}.quota with all of {', '.join(sorted(names))}, counted by hand",
        )


def unconnected(app: str, values: Values, sources: Sources) -> Iterator[Fault]:
    """What the values start and the stack's network rules would cut off."""
    for path in _uncounted(app, values):
        if path in UNCONNECTED:
            yield _started(
                path,
                values,
                sources,
                "starts pods that no network rule lets reach anything or be reached; allowed: to go without"
                f"{f' ({ONE_REDIS})' if path[-1] == 'architecture' else ''}. To do without the rules: "
                f"network.policies: false, and {app}.quota counted by hand",
            )


def outgrown(app: str, values: Values, sources: Sources, usage: Usage) -> Iterator[Fault]:
    """The init containers that request more memory than the limit which the namespace's LimitRange gives to them."""
    if "default" not in limit_range(usage):
        return
    for workload in WORKLOADS[app]:
        for key, container in init_containers(section(values, *workload)).items():
            requested = section(container, "resources", "requests").get("memory")
            limited = section(container, "resources", "limits").get("memory") is not None
            if requested is None or limited or not _deployed(values, workload):
                continue
            if amount(requested) > amount(DEFAULT_LIMIT):
                path: KeyPath = (*workload, "initContainers", key, "resources", "requests", "memory")
                yield Fault(
                    None,
                    f"{sources.origin(path).place}: {dotted(path)} found {requested}, more than the limit of "
                    f"{DEFAULT_LIMIT} that the namespace gives to a container without one, so Kubernetes would refuse "
                    f"its pods; allowed: {DEFAULT_LIMIT} or less, or resources.limits.memory beside it",
                )


def _uncounted(app: str, values: Values) -> Iterator[KeyPath]:
    for path in UNCOUNTED[app]:
        found = dig(values, *path)
        wrong = found != ONE_REDIS if path[-1] == "architecture" else found
        if wrong and _deployed(values, path):
            yield path
    for workload in WORKLOADS[app]:
        for key, container in init_containers(section(values, *workload)).items():
            # It doesn't end before the others start, but runs beside them.
            if container.get("restartPolicy"):
                yield (*workload, "initContainers", key)


def _started(path: KeyPath, values: Values, sources: Sources, text: str) -> Fault:
    # What only the chart says is on no line of ours, but the key is that switches the part on.
    said = path if dig(values, *path) is not None else (path[0], "enabled")
    return Fault(None, f"{sources.origin(said).place}: {dotted(path)} {text}")


def _deployed(values: Values, path: Keys) -> bool:
    """Whether the part of the app that the path begins with is in the release; of the charts' only Redis is off."""
    return not path or bool(section(values, path[0]).get("enabled", path[0] != "redis"))


def _amounts(app: str, values: Values) -> Iterator[tuple[KeyPath, Any]]:
    """Every amount of the values, by its path."""
    for workload in WORKLOADS[app]:
        holder = section(values, *workload)
        containers: dict[KeyPath, Mapping[str, Any]] = {workload: holder}
        containers |= {(*workload, "initContainers", key): item for key, item in init_containers(holder).items()}
        for at, container in containers.items():
            for kind in ("requests", "limits"):
                for name, found in section(container, "resources", kind).items():
                    if found is not None:
                        yield (*at, "resources", kind, name), found
        for path, size in claims_of_each_pod(holder).items():
            yield (*workload, *path), size
    for at in VOLUMES[app]:
        volume = section(values, *at)
        if "size" in volume and volume.get("enabled", True) and not volume.get("existingClaim"):
            yield (*at, "size"), volume["size"]


def _is_amount(found: object) -> bool:
    try:
        amount(found)
    except ValueError:
        return False
    return True
