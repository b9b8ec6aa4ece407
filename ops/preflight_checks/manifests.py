"""What the manifests of a release make: objects by name, pods, claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from ops.diagnosis.objects import Object, name
from ops.diagnosis.placing import quantity

Part = Literal["requests", "limits"]
"""What containers ask for, and what they may use."""
HOOK = "helm.sh/hook"
SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


class Ref(NamedTuple):
    """An object of the API server."""

    api_version: str
    kind: str
    namespace: str
    """Empty for an object of the whole cluster."""
    name: str


@dataclass(frozen=True)
class Pods:
    """The pods of one workload."""

    owner: str
    """The workload, such as `Deployment ollama`."""
    spec: Object
    count: int = 1
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim that the release makes itself or by a StatefulSet."""

    name: str
    spec: Object

    @property
    def size(self) -> Decimal:
        """Bytes asked for."""
        resources = self.spec.get("resources") or {}
        return quantity((resources.get("requests") or {}).get("storage", 0))


def pods_of(manifests: Sequence[Object]) -> list[Pods]:
    """The pods of every workload."""
    return list(_pods(manifests))


def _pods(manifests: Sequence[Object]) -> Iterator[Pods]:
    for item in manifests:
        spec = item.get("spec") or {}
        owner = f"{item['kind']} {name(item)}"
        if item["kind"] == "Pod":
            yield Pods(owner, spec, 1, item["metadata"].get("labels"), item["metadata"].get("annotations"))
            continue
        if item["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        template = spec.get("template")
        if isinstance(template, Mapping) and template.get("spec"):
            count = spec.get("replicas", 1) if item["kind"] in SCALED else 1
            metadata = template.get("metadata") or {}
            yield Pods(owner, template["spec"], count, metadata.get("labels"), metadata.get("annotations"))


def claims_of(manifests: Sequence[Object]) -> list[Claim]:
    """Every claim, those of a StatefulSet's pods by the names that they get."""
    claims = [Claim(name(item), item["spec"]) for item in manifests if item["kind"] == "PersistentVolumeClaim"]
    for item in manifests:
        if item["kind"] == "StatefulSet":
            first = (item["spec"].get("ordinals") or {}).get("start", 0)
            for template in item["spec"].get("volumeClaimTemplates") or ():
                for ordinal in range(first, first + item["spec"].get("replicas", 1)):
                    claims.append(Claim(f"{name(template)}-{name(item)}-{ordinal}", template["spec"]))
    return claims


def with_runtime_class(pods: Pods, runtime_classes: Sequence[Object]) -> Pods:
    """The pods as the API server changes them for their runtime class: its nodes, tolerations and overhead."""
    wanted = pods.spec.get("runtimeClassName")
    found = next((item for item in runtime_classes if wanted and name(item) == wanted), None)
    if found is None:
        return pods
    scheduling = found.get("scheduling") or {}
    spec: dict[str, Any] = {
        **pods.spec,
        "nodeSelector": {**(pods.spec.get("nodeSelector") or {}), **(scheduling.get("nodeSelector") or {})},
        "tolerations": [*(pods.spec.get("tolerations") or ()), *(scheduling.get("tolerations") or ())],
    }
    if overhead := (found.get("overhead") or {}).get("podFixed"):
        spec["overhead"] = overhead
    return replace(pods, spec=spec)


def containers(spec: Object) -> list[Object]:
    """All containers of a pod, also those that only run at its start."""
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def amounts(container: Object, part: Part) -> dict[str, Decimal]:
    """What a container asks for or is limited to; the API server takes a limit for the request where there is none."""
    resources = container.get("resources") or {}
    limits = resources.get("limits") or {}
    found = limits | (resources.get("requests") or {}) if part == "requests" else limits
    return {resource: quantity(text) for resource, text in found.items()}


def totals(spec: Object, part: Part) -> dict[str, Decimal]:
    """What a pod counts for: the sum of its containers and sidecars, or what its start takes if that is more."""
    running: dict[str, Decimal] = defaultdict(Decimal)
    for container in spec.get("containers") or ():
        _add(running, amounts(container, part))
    sidecars: dict[str, Decimal] = defaultdict(Decimal)
    starting: dict[str, Decimal] = defaultdict(Decimal)
    for container in spec.get("initContainers") or ():
        asked = amounts(container, part)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, asked)
            asked = {}
        for resource in dict.fromkeys((*asked, *sidecars)):
            starting[resource] = max(starting[resource], asked.get(resource, Decimal(0)) + sidecars[resource])
    _add(running, sidecars)
    _add(running, {resource: quantity(text) for resource, text in (spec.get("overhead") or {}).items()})
    resources = dict.fromkeys((*running, *starting))
    return {resource: max(running[resource], starting[resource]) for resource in resources}


def shown(resource: str, amount: Decimal) -> str:
    """An amount as a manifest would have it, exactly: 250m, 1536Mi, 20G, 3."""
    units: Sequence[tuple[str, int]] = ()
    if resource.endswith(("memory", "storage")):
        units = (*((f"{unit}i", 2 ** (10 * power)) for power, unit in _POWERS), *((u, 1000**p) for p, u in _POWERS))
    fitting = [(amount / size, unit) for unit, size in units if amount and not amount % size]
    if fitting:
        number, unit = min(fitting)
        return f"{number:f}".partition(".")[0] + unit
    if amount % 1:
        return f"{(amount * 1000).normalize():f}m"
    return f"{amount:f}".partition(".")[0]


_POWERS = ((4, "T"), (3, "G"), (2, "M"))


def _add(total: dict[str, Decimal], amounts_: Mapping[str, Decimal]) -> None:
    for resource, amount in amounts_.items():
        total[resource] += amount
