"""Check `limitRange`: whether the namespace's LimitRanges let the pods and claims in, and what they add to pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ops.diagnosis.objects import Object, name
from ops.diagnosis.placing import quantity
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import Said, fails, well
from ops.preflight_checks.manifests import Claim, Pods, amounts, containers, shown, totals
from ops.preflight_checks.view import View

Bounds = Mapping[str, Decimal]


def limit_range(view: View) -> Iterator[Said]:
    """Whether everything is within the bounds of the namespace's LimitRanges."""
    if view.live_namespace() is None:
        yield well(f"the namespace {view.rendered.release.namespace} is new: it has no LimitRange")
        return
    ranges = view.all("limitranges")
    if not ranges:
        yield well(f"the namespace {view.rendered.release.namespace} has no LimitRange")
        return
    pods = [with_defaults(each, ranges) for each in view.pods]
    there = {name(item) for item in view.all("persistentvolumeclaims")}
    claims = [claim for claim in view.claims if claim.name not in there]
    broken = False
    for text in _broken(ranges, pods, claims):
        broken = True
        yield fails(
            text,
            f"Set requests and limits within it{in_setting(view.rendered.release.name, 'resources.limits')}, or have "
            "the LimitRange changed",
        )
    if not broken:
        yield well(f"everything is within {', '.join(name(item) for item in ranges)}")


def with_defaults(pods: Pods, ranges: Sequence[Object]) -> Pods:
    """The pods with the requests and limits that the namespace's LimitRanges give to containers without."""
    items = [item for each in ranges for item in each["spec"].get("limits") or () if item["type"] == "Container"]
    if not items:
        return pods
    spec = dict(pods.spec)
    for part in ("initContainers", "containers"):
        if spec.get(part):
            spec[part] = [_defaulted(container, items) for container in spec[part]]
    return replace(pods, spec=spec)


def _defaulted(container: Object, items: Sequence[Object]) -> Object:
    resources = container.get("resources") or {}
    limits = dict(resources.get("limits") or {})
    # A limit that a manifest has becomes the request before a LimitRange is looked at, one that a range gives does not.
    requests: dict[str, Any] = limits | dict(resources.get("requests") or {})
    for item in items:
        limits = dict(item.get("default") or {}) | limits
        requests = dict(item.get("defaultRequest") or {}) | requests
    return {**container, "resources": {**resources, "limits": limits, "requests": requests}}


def _broken(ranges: Sequence[Object], pods: Sequence[Pods], claims: Sequence[Claim]) -> Iterator[str]:
    for each in ranges:
        for item in each["spec"].get("limits") or ():
            where = f"LimitRange {name(each)}"
            if item["type"] == "Container":
                for asked in pods:
                    for container in containers(asked.spec):
                        who = f"{asked.owner}, container {container['name']}"
                        asks, may = amounts(container, "requests"), amounts(container, "limits")
                        yield from (f"{who}: {text} ({where})" for text in _outside(item, asks, may))
            elif item["type"] == "Pod":
                for asked in pods:
                    asks, may = totals(asked.spec, "requests"), totals(asked.spec, "limits")
                    yield from (f"{asked.owner}, its pod: {text} ({where})" for text in _outside(item, asks, may))
            elif item["type"] == "PersistentVolumeClaim":
                for claim in claims:
                    size = {"storage": claim.size}
                    bounds = {key: item[key] for key in ("min", "max") if key in item}
                    yield from (f"claim {claim.name}: {text} ({where})" for text in _outside(bounds, size, size))


def _outside(item: Object, requests: Bounds, limits: Bounds) -> Iterator[str]:
    """What is not within one item of a LimitRange, in the order in which the API server looks at it."""
    for resource, text in (item.get("min") or {}).items():
        bound = quantity(text)
        if resource not in requests:
            yield f"it has no {resource} request, and at least {shown(resource, bound)} is demanded"
        elif requests[resource] < bound or limits.get(resource, bound) < bound:
            found = min(requests[resource], limits.get(resource, bound))
            yield f"{resource} {shown(resource, found)} is less than the {shown(resource, bound)} that is demanded"
    for resource, text in (item.get("max") or {}).items():
        bound = quantity(text)
        if resource not in limits:
            yield f"it has no {resource} limit, and at most {shown(resource, bound)} is allowed"
        elif limits[resource] > bound or requests.get(resource, bound) > bound:
            found = max(limits[resource], requests.get(resource, bound))
            yield f"{resource} {shown(resource, found)} is more than the {shown(resource, bound)} that is allowed"
    for resource, text in (item.get("maxLimitRequestRatio") or {}).items():
        ratio = quantity(text)
        asked, limit = requests.get(resource), limits.get(resource)
        if not asked or limit is None:
            yield f"it has no {resource} request and limit, whose ratio may be {ratio} at most"
        elif limit / asked > ratio:
            yield f"its {resource} limit is {limit / asked:.1f} times its request, {ratio} at most is allowed"
