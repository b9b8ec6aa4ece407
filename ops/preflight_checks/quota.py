"""Check `quota`: whether the namespace's ResourceQuotas leave room for the release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from ops.diagnosis.objects import Object, name
from ops.diagnosis.placing import quantity
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import CouldNotTellError, Said, fails, unknown, well
from ops.preflight_checks.limits import with_defaults
from ops.preflight_checks.manifests import Claim, Part, Pods, amounts, containers, shown, totals
from ops.preflight_checks.storage import class_of
from ops.preflight_checks.view import Unreadable, View, full_name

PARTS: tuple[Part, ...] = ("requests", "limits")
COMPUTE = ("cpu", "memory")
OF_CLASS = ".storageclass.storage.k8s.io/"
ENDED = ("Succeeded", "Failed")

Amounts = dict[str, Decimal]


def quota(view: View) -> Iterator[Said]:
    """Whether every quota has room for what the release needs beyond what it holds already."""
    namespace = view.rendered.release.namespace
    if view.live_namespace() is None:
        yield well(f"the namespace {namespace} is new: it has no ResourceQuota")
        return
    own = {name(item) for item in view.rendered.release.around if item["kind"] == "ResourceQuota"}
    # The stack's own grows with what the release asks for, in the same `up` and before it.
    quotas = [item for item in view.all("resourcequotas") if name(item) not in own]
    if not quotas:
        yield well(f"the namespace {namespace} has no ResourceQuota")
        return
    ranges = view.all("limitranges")
    pods = [with_defaults(each, ranges) for each in view.pods]
    said = [item for each in quotas for item in _judge(view, each, pods)]
    yield from said
    if not said:
        yield well(f"there is room in {', '.join(name(item) for item in quotas)}")


def _judge(view: View, quota_: Object, pods: Sequence[Pods]) -> Iterator[Said]:
    hard = quota_["spec"].get("hard") or {}
    used = quota_.get("status", {}).get("used") or {}
    cure = (
        f"Have quota {name(quota_)} raised, or ask for less"
        f"{in_setting(view.rendered.release.name, 'resources.requests')}"
    )
    try:
        counted = [each for each in pods if _in_scope(quota_, each.spec)]
        own = [each for each in view.own_pods if _is_running(each) and _in_scope(quota_, each["spec"])]
    except CouldNotTellError as error:
        yield unknown(f"quota {name(quota_)}: {error}")
        return
    for each in counted:
        if missing := _missing(each.spec, hard):
            yield fails(
                f"quota {name(quota_)} demands {', '.join(missing)} of every container, and {each.owner} has one "
                "without: its pods would be refused",
                f"Set it{in_setting(view.rendered.release.name, 'resources.requests')}, or have a LimitRange give it",
            )
    more = _of_pods([(each.spec, each.count) for each in counted])
    _add(more, _of_pods([(each["spec"], 1) for each in own]), -1)
    if not _scopes(quota_):
        _add(more, _of_claims(view, hard), 1)
        _add(more, _of_objects(view), 1)
    for resource, text in hard.items():
        needed, taken = more.get(resource, Decimal(0)), quantity(used.get(resource, 0))
        if needed > 0 and taken + needed > quantity(text):
            yield fails(
                f"quota {name(quota_)}: {resource} {shown(resource, needed)} more is needed, and "
                f"{shown(resource, taken)} of {shown(resource, quantity(text))} is in use",
                cure,
            )


def _of_pods(pods: Sequence[tuple[Object, int]]) -> Amounts:
    """What so many pods of each spec count for, by the names that quotas have for it."""
    found: Amounts = defaultdict(Decimal)
    for spec, count in pods:
        found["pods"] += count
        found["count/pods"] += count
        for part in PARTS:
            for resource, amount in totals(spec, part).items():
                found[f"{part}.{resource}"] += amount * count
                if part == "requests":
                    found[resource] += amount * count
    return found


def _of_claims(view: View, hard: Mapping[str, str]) -> Amounts:
    """What the claims that are not there yet count for."""
    there = {name(item) for item in view.all("persistentvolumeclaims")}
    claims = [claim for claim in view.claims if claim.name not in there]
    found: Amounts = {
        "requests.storage": sum((claim.size for claim in claims), Decimal(0)),
        "persistentvolumeclaims": Decimal(len(claims)),
        "count/persistentvolumeclaims": Decimal(len(claims)),
    }
    if any(OF_CLASS in resource for resource in hard):
        _add(found, _by_class(view, claims), 1)
    return found


def _by_class(view: View, claims: Sequence[Claim]) -> Amounts:
    classes = view.all("storageclasses")
    found: Amounts = defaultdict(Decimal)
    for claim in claims:
        prefix = f"{class_of(claim, classes) or ''}{OF_CLASS}"
        found[f"{prefix}requests.storage"] += claim.size
        found[f"{prefix}persistentvolumeclaims"] += 1
    return found


def _of_objects(view: View) -> Amounts:
    """How many objects of each kind come new; pods and claims are counted by themselves."""
    found: Amounts = defaultdict(Decimal)
    # Helm keeps a record of the release, and another one of every change.
    found["secrets"] += 1
    for ref, item in view.live.items():
        kind = view.kinds.get((ref.api_version, ref.kind))
        if item is not None or kind is None or not ref.namespace or ref.kind in ("Pod", "PersistentVolumeClaim"):
            continue
        if not isinstance(item, Unreadable):
            found[f"count/{full_name(kind.resource, kind.group)}"] += 1
            if not kind.group:
                found[kind.resource] += 1
    found["count/secrets"] = found["secrets"]
    for manifest in view.manifests:
        if manifest["kind"] == "Service" and _is_new(view, manifest):
            found["services.loadbalancers"] += manifest["spec"].get("type") == "LoadBalancer"
            ports = len(manifest["spec"].get("ports") or ())
            found["services.nodeports"] += ports * (manifest["spec"].get("type") in ("LoadBalancer", "NodePort"))
    return found


def _is_new(view: View, manifest: Object) -> bool:
    return all(
        item is None
        for ref, item in view.live.items()
        if (ref.kind, ref.name) == (manifest["kind"], manifest["metadata"]["name"])
    )


def _missing(spec: Object, hard: Mapping[str, str]) -> list[str]:
    """What the quota demands of every container, since it counts it, and some container does not say."""
    missing = set()
    for container in containers(spec):
        for resource in hard:
            part: Part = "limits" if resource.startswith("limits.") else "requests"
            rest = resource.removeprefix(f"{part}.")
            if rest in COMPUTE and rest not in amounts(container, part):
                missing.add(resource)
    return sorted(missing)


def _scopes(quota_: Object) -> list[Object]:
    """What a quota restricts itself to, as expressions."""
    plain: list[Object] = [{"scopeName": scope, "operator": "Exists"} for scope in quota_["spec"].get("scopes") or ()]
    return plain + list((quota_["spec"].get("scopeSelector") or {}).get("matchExpressions") or ())


def _in_scope(quota_: Object, spec: Object) -> bool:
    return all(_is_in(scope, spec) for scope in _scopes(quota_))


def _is_in(scope: Object, spec: Object) -> bool:
    best_effort = not any(amounts(container, part) for container in containers(spec) for part in PARTS)
    match scope["scopeName"]:
        case "BestEffort":
            return best_effort
        case "NotBestEffort":
            return not best_effort
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "PriorityClass" if scope["operator"] in ("In", "Exists", "DoesNotExist", "NotIn"):
            return _has_priority(scope, spec.get("priorityClassName"))
    raise CouldNotTellError(f"whether its scope {scope['scopeName']} has the pods in it is not known here")


def _has_priority(scope: Object, priority: str | None) -> bool:
    values = scope.get("values") or ()
    match scope["operator"]:
        case "In":
            return priority in values
        case "NotIn":
            return priority not in values
        case "Exists":
            return priority is not None
    return priority is None


def _is_running(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") not in ENDED


def _add(total: Amounts, more: Mapping[str, Decimal], sign: int) -> None:
    for resource, amount in more.items():
        total[resource] = total.get(resource, Decimal(0)) + sign * amount
