"""Pods that no node takes."""

from __future__ import annotations

import re

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.nodes import Lack, lacks_by_node, nearest, no_node_takes
from ops.diagnosis.objects import Object, Snapshot
from ops.diagnosis.words import in_setting

PREEMPTION = re.compile(r"\.?\s*(no new claims to deallocate, )?preemption: .*$")
"""The scheduler's second sentence, on whether other pods could make room: no help to anybody who reads the first."""
NO_CLAIM = re.compile(r'persistentvolumeclaim "(?P<claim>[^"]+)" not found')
UNBOUND = "unbound immediate PersistentVolumeClaims"


def unschedulable(snapshot: Snapshot, subject: str, message: str, pod_spec: Object | None) -> Cause:
    """Why no node takes a pod, from the scheduler's message; node by node where the pod's spec is known."""
    said = f"scheduler: {PREEMPTION.sub('', message).strip()}"
    if missing := NO_CLAIM.search(message):
        text = f'waits for the claim "{missing["claim"]}", which is not there: it was refused, or deleted'
        quotas = [line for line in quota_lines(snapshot) if "storage" in line or "persistentvolumeclaims" in line]
        cure = f"ask for less storage{in_setting(snapshot.release, 'storage')}, or raise the quota" if quotas else ""
        return Cause(Rank.CLAIM, subject, text, tuple(quotas), cure)
    # Whatever a pod waits for next, its event keeps the first message (client-go v0.37.0, tools/events, getKey; read
    # 2026-11-22), and the first is that its new claims are not bound yet.
    if UNBOUND in message and not (pod_spec and no_node_takes(pod_spec, snapshot.nodes, snapshot.used)):
        return Cause(Rank.NODE, subject, "waits for a volume claim that is not bound", (said,))
    if not pod_spec or not snapshot.nodes:
        return Cause(Rank.NODE, subject, "no node can take it", (said,), _cure(snapshot.release, _kinds_in(said)))
    by_node = lacks_by_node(pod_spec, snapshot.nodes, snapshot.used)
    lacking = nearest(pod_spec, snapshot.nodes, snapshot.used) or _kinds_in(said)
    return Cause(Rank.NODE, subject, "no node can take it", (*by_node, said), _cure(snapshot.release, lacking))


def quota_lines(snapshot: Snapshot) -> list[str]:
    """What is used of each quota of the namespace, one line for each quota and resource."""
    return [
        f"quota {quota['metadata']['name']}: {resource} {status.get('used', {}).get(resource, '0')} of {limit} used"
        for quota in snapshot.all("resourcequotas")
        for status in [quota.get("status") or {}]
        for resource, limit in (status.get("hard") or {}).items()
    ]


def _kinds_in(said: str) -> list[Lack]:
    """What the scheduler's message says that nodes lack, where the pod's spec isn't known to look for oneself."""
    found = [Lack("resource", "", resource) for resource in re.findall(r"Insufficient ([^\s,]+)", said)]
    if "affinity/selector" in said:
        found.append(Lack("selector", ""))
    if "untolerated taint" in said:
        found.append(Lack("taint", ""))
    return found


def _cure(release: str, lacking: list[Lack]) -> str:
    cures = []
    kinds = {lack.kind for lack in lacking}
    if "state" in kinds:
        cures.append("bring the node back (kubectl describe node, kubectl uncordon)")
    if "selector" in kinds:
        cures.append(f"label a node, or change the node selector{in_setting(release, 'nodeSelector')}")
    if "taint" in kinds:
        cures.append(f"tolerate the taint{in_setting(release, 'tolerations')}, or take it off a node")
    resources = dict.fromkeys(lack.resource.rstrip(".") for lack in lacking if lack.kind == "resource")
    for device in (resource for resource in resources if "/" in resource):
        cures.append(f"add a node that has enough {device} free, or ask for fewer{in_setting(release, 'gpu.count')}")
    if ordinary := [resource for resource in resources if "/" not in resource]:
        cures.append(f"make room for {' and '.join(ordinary)} on a node, or ask for less (resources.requests)")
    return "; ".join(cures)
