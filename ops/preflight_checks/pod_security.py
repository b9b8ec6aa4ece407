"""Check `podSecurity`: whether the Pod Security level of the namespace lets the pods in.

The fields are those of the Pod Security Standards, Kubernetes 1.36 (kubernetes.io/docs/concepts/security/
pod-security-standards, 2026-11); tests/engine/test_preflight_admission.py holds them against a real API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.guardrails.objects import ENFORCE
from ops.diagnosis.objects import Object
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import CouldNotTellError, Said, fails, well
from ops.preflight_checks.manifests import Pods, containers
from ops.preflight_checks.rendering import Release
from ops.preflight_checks.view import View

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"

# fmt: off
MAY_ADD = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}
MAY_SET = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}
# fmt: on
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
    *("persistentVolumeClaim", "projected", "secret"),
}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


def pod_security(view: View) -> Iterator[Said]:
    """Whether the namespace's level, as it is or as the stack will label it, refuses a pod."""
    release = view.rendered.release
    namespace = view.live_namespace()
    live = (namespace or {}).get("metadata", {}).get("labels") or {}
    labels = {**live, **release.namespace_labels}
    level = labels.get(ENFORCE, PRIVILEGED)
    if level == PRIVILEGED:
        told = f"enforces {level}" if ENFORCE in labels else "sets no level (a cluster's own default can't be seen)"
        yield well(f"the namespace {release.namespace} {told}")
        return
    if level not in (BASELINE, RESTRICTED):
        raise CouldNotTellError(f"the namespace {release.namespace} has the level {level}, which is not known here")
    said = False
    for pods in view.pods:
        if refused := list(violations(pods, level)):
            said = True
            yield fails(
                f"the level {level} of namespace {release.namespace} refuses the pods of {pods.owner}: "
                f"{'; '.join(refused)}",
                f"Set the security contexts in {release.name}.values as the chart allows, or give the namespace a "
                f"lower level with the label {ENFORCE}" + _where(release),
            )
    if not said:
        yield well(f"the namespace {release.namespace} enforces {level}, and the pods keep to it")


def _where(release: Release) -> str:
    """Which setting gives the namespace its level, if it is one of the stack's."""
    return in_setting(release.name, "podSecurity") if ENFORCE in release.namespace_labels else ""


def violations(pods: Pods, level: str) -> Iterator[str]:
    """Why a level refuses such pods."""
    yield from _of_baseline(pods)
    if level == RESTRICTED:
        yield from _of_restricted(pods.spec)


def _of_baseline(pods: Pods) -> Iterator[str]:
    spec = pods.spec
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is true"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"volume {volume['name']} is a hostPath"
    for sysctl in _context(spec).get("sysctls") or ():
        if sysctl["name"] not in MAY_SET:
            yield f"sysctl {sysctl['name']} is set"
    for key, profile in (pods.annotations or {}).items():
        if key.startswith(APPARMOR) and not (profile == "runtime/default" or profile.startswith("localhost/")):
            yield f"AppArmor profile {profile}"
    yield from _of_context(_context(spec), "the pod")
    for container in containers(spec):
        yield from _of_container(container)
        if not _has_own_users(spec):
            yield from _of_proc_mount(container)


def _has_own_users(spec: Object) -> bool:
    """Whether root in the pod is nobody on the node: some rules don't hold then (measured, Kubernetes 1.36.3)."""
    return spec.get("hostUsers") is False


def _of_proc_mount(container: Object) -> Iterator[str]:
    if (mount := _context(container).get("procMount", "Default")) != "Default":
        yield f"container {container['name']}: procMount is {mount}"


def _of_context(context: Mapping[str, Any], who: str) -> Iterator[str]:
    """What may stand in the security context of a pod as well as of a container."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{who}: windowsOptions.hostProcess is true"
    linux = context.get("seLinuxOptions") or {}
    if linux.get("type", "") not in SELINUX_TYPES or linux.get("user") or linux.get("role"):
        yield f"{who}: seLinuxOptions"
    for key in ("seccompProfile", "appArmorProfile"):
        if (context.get(key) or {}).get("type") == "Unconfined":
            yield f"{who}: {key} is Unconfined"


def _of_container(container: Object) -> Iterator[str]:
    context, who = _context(container), f"container {container['name']}"
    yield from _of_context(context, who)
    if context.get("privileged"):
        yield f"{who}: privileged is true"
    added = set((context.get("capabilities") or {}).get("add") or ()) - MAY_ADD
    if added:
        yield f"{who}: adds the capabilities {', '.join(sorted(added))}"
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"{who}: hostPort {port['hostPort']}"
    for handler in _handlers(container):
        if any((handler.get(action) or {}).get("host") for action in ("httpGet", "tcpSocket")):
            yield f"{who}: a probe or lifecycle hook names a host"


def _handlers(container: Object) -> Iterator[Object]:
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield container.get(key) or {}
    for key in ("postStart", "preStop"):
        yield (container.get("lifecycle") or {}).get(key) or {}


def _of_restricted(spec: Object) -> Iterator[str]:
    pod = _context(spec)
    for volume in spec.get("volumes") or ():
        for kind in set(volume) - VOLUMES - {"name", "hostPath"}:
            yield f"volume {volume['name']} is a {kind}"
    for container in containers(spec):
        context, who = _context(container), f"container {container['name']}"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{who}: allowPrivilegeEscalation is not false"
        if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
            yield f"{who}: capabilities.drop lacks ALL"
        added = set((context.get("capabilities") or {}).get("add") or ()) & MAY_ADD - {"NET_BIND_SERVICE"}
        if added:
            yield f"{who}: adds the capabilities {', '.join(sorted(added))}"
        profile = (context.get("seccompProfile") or pod.get("seccompProfile") or {}).get("type")
        if profile not in ("RuntimeDefault", "Localhost", "Unconfined"):
            yield f"{who}: seccompProfile is not RuntimeDefault or Localhost"
        if _has_own_users(spec):
            # The exemption of the lower level doesn't hold here.
            yield from _of_proc_mount(container)
    if not _has_own_users(spec):
        yield from _as_root(spec)


def _as_root(spec: Object) -> Iterator[str]:
    pod = _context(spec)
    if pod.get("runAsUser") == 0:
        yield "the pod: runAsUser is 0"
    if pod.get("runAsNonRoot") is False:
        yield "the pod: runAsNonRoot is false"
    for container in containers(spec):
        context, who = _context(container), f"container {container['name']}"
        if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            yield f"{who}: runAsNonRoot is not true"
        if context.get("runAsUser") == 0:
            yield f"{who}: runAsUser is 0"


def _context(item: Object) -> Mapping[str, Any]:
    return item.get("securityContext") or {}
