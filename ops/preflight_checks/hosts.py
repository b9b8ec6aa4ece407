"""Part of the check `names`: whether an Ingress elsewhere has the release's host already."""

from __future__ import annotations

from collections.abc import Iterator

from ops.diagnosis.objects import Object, name
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import Said, fails, unknown
from ops.preflight_checks.view import Unreadable, View


def hosts(view: View) -> Iterator[Said]:
    """Why an Ingress of the release would not be the only one at its host and path; nothing where it would."""
    release = view.rendered.release
    own = [item for item in view.rendered.manifests if item["kind"] == "Ingress" and _places(item)]
    if not own:
        return
    live = view.answers.get("ingresses", Unreadable("they were not asked for"))
    if isinstance(live, Unreadable):
        yield unknown(f"whether the host is free can't be told: the cluster's ingresses can't be read: {live.why}")
        return
    for item in own:
        for other in live:
            namespace = other["metadata"]["namespace"]
            both = sorted(_places(item) & _places(other))
            if both and namespace != release.namespace and _one_controller(item, other):
                taken = ", ".join(f"{host}{path}" for host, path in both)
                yield fails(
                    f"Ingress {name(item)} asks for {taken}, which Ingress {name(other)} in namespace {namespace} "
                    "has already: one of the two would answer for both",
                    f"Choose another host{in_setting(release.name, 'host')}, or find out whose it is (kubectl get "
                    f"ingress {name(other)} -n {namespace} -o yaml) and have it deleted if nobody needs it",
                )


def _places(ingress: Object) -> set[tuple[str, str]]:
    """Hosts and paths: two Ingresses may well share a host, such as that of oauth2-proxy and what it protects."""
    return {
        (rule["host"], path.get("path") or "/")
        for rule in ingress["spec"].get("rules") or ()
        if rule.get("host")
        for path in (rule.get("http") or {}).get("paths") or ()
    }


def _one_controller(ingress: Object, other: Object) -> bool:
    """Whether one controller may serve both: it does not where each names a class of its own."""
    classes = {item["spec"].get("ingressClassName") for item in (ingress, other)}
    return None in classes or len(classes) == 1
