"""Objects that the API server refuses, in the words of what refused them."""

from __future__ import annotations

import re
from collections.abc import Callable

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.objects import Snapshot
from ops.diagnosis.words import in_setting, shortened

Found = re.Match[str]
Explain = Callable[[Snapshot, str, Found], Cause]


def refusal(snapshot: Snapshot, subject: str, message: str) -> Cause | None:
    """What the API server's refusal to make an object comes from; None where it is not such a refusal."""
    for pattern, explain in REFUSALS:
        if found := pattern.search(message):
            return explain(snapshot, subject, found)
    return None


def _quota(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    asked = found["asked"]
    text = f"quota {found['quota']} is exceeded: {asked} asked, {found['used']} used, {found['hard']} allowed"
    part = "limits" if asked.startswith("limits.") else "requests"
    key = "storage" if "storage" in asked else "gpu.count" if "gpu" in asked else f"resources.{part}"
    return _cause(subject, text, f"raise the quota, or ask for less{in_setting(snapshot.release, key)}")


def _must_specify(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    text = f"quota {found['quota']} wants every container to say its {found['what']}"
    return _cause(subject, text, f"set them{in_setting(snapshot.release, 'resources.requests')}")


def _pod_security(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    text = f'pod security level "{found["level"]}" of the namespace refuses its pods'
    wanted = re.split(r", (?=[A-Za-z]+(?: !=| \(|Profile| capab))", found["what"])
    where = in_setting(snapshot.release, "values")
    level = in_setting(snapshot.release, "podSecurity") or " (label pod-security.kubernetes.io/enforce)"
    cure = f"set the security contexts that it asks for{where}, or lower the level of the namespace{level}"
    return _cause(subject, text, cure, *(shortened(part, 200) for part in wanted))


def _no_account(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    cure = f"make it, or let the chart make its own{in_setting(snapshot.release, 'values')}"
    return _cause(subject, f'its service account "{found["account"]}" is not there', cure)


def _no_runtime_class(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    cure = f"name one that is there{in_setting(snapshot.release, 'gpu.runtimeClass')}: kubectl get runtimeclass"
    return _cause(subject, f'the cluster has no RuntimeClass "{found["class"]}"', cure)


def _no_priority(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    return _cause(subject, f'the cluster has no PriorityClass "{found["class"]}"', "make it, or name another one")


def _denied(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    return _cause(subject, f"admission control ({found['who']}) refuses it: {shortened(found['why'])}")


def _webhook_away(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    return _cause(subject, f"admission webhook {found['who']} does not answer: {shortened(found['why'])}")


def _not_allowed(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    verb, resource = found["verb"], found["resource"]
    cure = f"give it the right (RBAC); to check: kubectl auth can-i {verb} {resource} -n {snapshot.namespace}"
    return _cause(subject, f"{found['user']} may not {verb} {resource}", cure)


def _limit_range(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    return _cause(subject, f"a LimitRange of the namespace refuses it: {shortened(found['what'])}")


def _cannot_grow(snapshot: Snapshot, subject: str, found: Found) -> Cause:
    cure = f"put its size back{in_setting(snapshot.release, 'storage')}, or move the data to a larger claim"
    return _cause(subject, "its StorageClass does not let claims grow", cure)


def _cause(subject: str, text: str, cure: str = "", *details: str) -> Cause:
    return Cause(Rank.REFUSED, subject, text, details, cure)


REFUSALS: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (
        re.compile(
            r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<hard>.+)"
        ),
        _quota,
    ),
    (re.compile(r"failed quota: (?P<quota>[^:]+): must specify (?P<what>.+)"), _must_specify),
    (re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<what>.+)'), _pod_security),
    (re.compile(r'error looking up service account \S+: serviceaccount "(?P<account>[^"]+)" not found'), _no_account),
    (re.compile(r'RuntimeClass "?(?P<class>[^"\s]+)"? not found'), _no_runtime_class),
    (re.compile(r"no PriorityClass with name (?P<class>\S+) was found"), _no_priority),
    (re.compile(r'admission webhook "(?P<who>[^"]+)" denied the request:? ?(?P<why>.*)', re.DOTALL), _denied),
    (re.compile(r"(?P<who>ValidatingAdmissionPolicy '[^']+').*? denied request: (?P<why>.*)", re.DOTALL), _denied),
    (re.compile(r'failed calling webhook "(?P<who>[^"]+)": (?P<why>.*)', re.DOTALL), _webhook_away),
    (re.compile(r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"'), _not_allowed),
    (re.compile(r"(?P<what>(?:minimum|maximum) \S+ usage per \S+ is .+)"), _limit_range),
    (re.compile(r"only dynamically provisioned pvc can be resized"), _cannot_grow),
)
