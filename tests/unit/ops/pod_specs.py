"""Specs of pods that break one rule of the Pod Security Standards each, and some that break none."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]


def hardened() -> Spec:
    """A pod that the level restricted lets in."""
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {"containers": [{"name": "main", "image": "none.invalid/none", "securityContext": context}]}


def pod(**parts: Any) -> Spec:
    """That pod with other parts of its spec."""
    return {**hardened(), **parts}


def container(part: str = "containers", **parts: Any) -> Spec:
    """That pod with other parts of its container, or with an init container that differs so."""
    spec = hardened()
    changed = {**copy.deepcopy(spec["containers"][0]), **parts}
    spec[part] = [changed] if part == "containers" else [{**changed, "name": "init"}]
    return spec


def context(part: str = "containers", **parts: Any) -> Spec:
    """That pod with other parts of its container's security context; None takes one away."""
    merged = {**hardened()["containers"][0]["securityContext"], **parts}
    return container(part, securityContext={key: value for key, value in merged.items() if value is not None})


def volume(**source: Any) -> Spec:
    """That pod with a volume."""
    return pod(volumes=[{"name": "it", **source}])


def _specs() -> dict[str, Spec]:
    seccomp = {"type": "RuntimeDefault"}
    of_pod = context(runAsNonRoot=None, seccompProfile=None)
    return {
        "nothing wrong": hardened(),
        "set for the pod": {**of_pod, "securityContext": {"runAsNonRoot": True, "seccompProfile": seccomp}},
        "may bind low ports": context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        "ordinary volumes": pod(
            volumes=[
                {"name": "a", "emptyDir": {}},
                {"name": "b", "configMap": {"name": "it"}},
                {"name": "c", "secret": {"secretName": "it"}},
                {"name": "d", "persistentVolumeClaim": {"claimName": "it"}},
                {"name": "e", "downwardAPI": {}},
                {"name": "f", "projected": {"sources": []}},
            ]
        ),
        "safe sysctl": pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
        "selinux type": context(seLinuxOptions={"type": "container_t", "level": "s0"}),
        "own profile": context(seccompProfile={"type": "Localhost", "localhostProfile": "it.json"}),
        "host network": pod(hostNetwork=True),
        "host pid": pod(hostPID=True),
        "host ipc": pod(hostIPC=True),
        "host path": volume(hostPath={"path": "/tmp"}),  # noqa: S108
        "host port": container(ports=[{"containerPort": 80, "hostPort": 80}]),
        "privileged": context(privileged=True, allowPrivilegeEscalation=None),
        "privileged init": context("initContainers", privileged=True, allowPrivilegeEscalation=None),
        "adds SYS_ADMIN": context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        "adds CHOWN": context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}),
        "unmasked proc of its own users": {**context(procMount="Unmasked"), "hostUsers": False},
        "users of its own, may be root": {**context(runAsNonRoot=None), "hostUsers": False},
        "users of its own, user 0": {**context(runAsUser=0), "hostUsers": False},
        "seccomp unconfined": context(seccompProfile={"type": "Unconfined"}),
        "pod seccomp unconfined": pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        "apparmor unconfined": context(appArmorProfile={"type": "Unconfined"}),
        "selinux other type": context(seLinuxOptions={"type": "spc_t"}),
        "selinux user": pod(securityContext={"seLinuxOptions": {"user": "root"}}),
        "unsafe sysctl": pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        "probe of a host": container(livenessProbe={"httpGet": {"port": 80, "host": "127.0.0.1"}}),
        "hook to a host": container(lifecycle={"preStop": {"tcpSocket": {"port": 80, "host": "127.0.0.1"}}}),
        "nfs volume": volume(nfs={"server": "it", "path": "/"}),
        "escalation not forbidden": context(allowPrivilegeEscalation=None),
        "escalation allowed": context(allowPrivilegeEscalation=True),
        "capabilities not dropped": context(capabilities=None),
        "one capability dropped": context(capabilities={"drop": ["NET_RAW"]}),
        "may be root": context(runAsNonRoot=None),
        "root not forbidden": context(runAsNonRoot=False),
        "pod not root, container may": {**context(runAsNonRoot=False), "securityContext": {"runAsNonRoot": True}},
        "user 0": context(runAsUser=0),
        "user 0 in the pod": pod(securityContext={"runAsUser": 0}),
        "no seccomp profile": context(seccompProfile=None),
        "init without a profile": context("initContainers", seccompProfile=None),
        "init may escalate": context("initContainers", allowPrivilegeEscalation=None),
    }


APPARMOR = "container.apparmor.security.beta.kubernetes.io/main"
SPECS: dict[str, tuple[Mapping[str, str], Spec]] = {
    **{name: ({}, spec) for name, spec in _specs().items()},
    "apparmor by annotation": ({APPARMOR: "unconfined"}, hardened()),
}
"""Name → annotations and spec."""

_BOTH = ("nothing wrong", "set for the pod", "may bind low ports", "ordinary volumes", "safe sysctl", "selinux type")
_OWN_USERS = ("users of its own, may be root", "users of its own, user 0")
_BASELINE = (
    *("adds CHOWN", "nfs volume", "escalation not forbidden", "escalation allowed", "capabilities not dropped"),
    *("one capability dropped", "may be root", "root not forbidden", "pod not root, container may", "user 0"),
    *(
        "unmasked proc of its own users",
        "user 0 in the pod",
        "no seccomp profile",
        "init without a profile",
        "init may escalate",
    ),
)
ALLOWED_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*_BOTH, *_OWN_USERS, "own profile"), ("baseline", "restricted")),
    **dict.fromkeys(_BASELINE, ("baseline",)),
}
"""The levels that let a spec in; none for those that are absent."""
