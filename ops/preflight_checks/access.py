"""Check `permissions`: what an up, and the rollback of one that fails, have to be allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ops.diagnosis.objects import Object
from ops.preflight_checks.findings import CouldNotTellError, Said, fails, unknown, well
from ops.preflight_checks.manifests import HOOK
from ops.preflight_checks.rendering import Release
from ops.preflight_checks.view import Access, Kind, Unreadable, View, full_name

# Measured with a service account that may do exactly this (tests/engine/test_preflight_release.py, 2026-11).
OF_HELM = ("get", "create", "patch", "delete")
"""What helm does with each object: reads it, makes or changes it, takes it back in a rollback."""
OF_HOOKS = (*OF_HELM, "list", "watch")
"""Helm watches a hook until it has ended."""
OF_RECORDS = ("get", "list", "create", "update", "delete")
"""What helm does with its own records, which are Secrets."""
OF_THE_STACK = ("get", "create", "patch")
"""What the engine does with the namespace and the Secrets that are not in the chart; it applies on the server."""


def needed(
    release: Release, manifests: Sequence[Object], kinds: Mapping[tuple[str, str], Kind], *, namespace_is_there: bool
) -> list[Access]:
    """Everything that has to be allowed to make or change the release; a kind that isn't served is left out."""
    inside = release.namespace
    found = [
        Access(verb, "namespaces", "", "") for verb in OF_THE_STACK if not (verb == "create" and namespace_is_there)
    ]
    verbs = {*OF_RECORDS, *(OF_THE_STACK if release.secrets else ())}
    found += [Access(verb, "secrets", "", inside) for verb in verbs]
    around = [kinds.get((item["apiVersion"], item["kind"])) for item in release.around]
    classes = (kind for kind in around if kind and kind.resource == "priorityclasses")
    # Another priority is another class: the one before is deleted.
    found += [Access("delete", kind.resource, kind.group, "") for kind in classes]
    found += [
        Access(verb, kind.resource, kind.group, inside if kind.namespaced else "")
        for kind in around
        if kind
        for verb in OF_THE_STACK
    ]
    for item in manifests:
        kind = kinds.get((item["apiVersion"], item["kind"]))
        if kind is None:
            continue
        namespace = (item["metadata"].get("namespace") or inside) if kind.namespaced else ""
        hook = HOOK in (item["metadata"].get("annotations") or {})
        found += [Access(verb, kind.resource, kind.group, namespace) for verb in (OF_HOOKS if hook else OF_HELM)]
        if item["kind"] == "Deployment":
            # Helm tells by the newest one whether a Deployment is ready.
            found.append(Access("list", "replicasets", "apps", namespace))
    return sorted(set(found), key=lambda access: (access.namespace, access.group, access.resource, access.verb))


def permissions(view: View) -> Iterator[Said]:
    """Whether the user may do all that is needed."""
    if isinstance(view.denied, Unreadable):
        raise CouldNotTellError(f"the API server does not say what {view.user} may do: {view.denied.why}")
    if view.rendered.missing:
        yield unknown(view.rendered.missing)
    if not view.denied:
        yield well(f"{view.user} may create, change and take back everything that is rendered")
    by_namespace: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for access in view.denied:
        by_namespace[access.namespace][full_name(access.resource, access.group)].append(access.verb)
    for namespace, resources in by_namespace.items():
        where = f"in namespace {namespace}" if namespace else "in the whole cluster"
        listed = "; ".join(f"{resource}: {', '.join(verbs)}" for resource, verbs in resources.items())
        role = "Role" if namespace else "ClusterRole"
        yield fails(
            f"{view.user} may not do this {where}: {listed}",
            f"Have an administrator allow it with a {role} and its binding, or use a kubeconfig of a user who may",
        )
