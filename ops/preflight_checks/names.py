"""Check `names`: whether the names that the release is going to use are free, or its own already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.diagnosis.objects import Object, annotation
from ops.preflight_checks.findings import Said, fails, unknown, well
from ops.preflight_checks.hosts import hosts
from ops.preflight_checks.manifests import HOOK, Ref
from ops.preflight_checks.rendering import Release
from ops.preflight_checks.view import Kind, Unreadable, View, is_owned_by

OWNER = ("private-chatgpt/project", "private-chatgpt/stack")
"""Labels that say whose a namespace or Secret is."""
TEAM = "private-chatgpt/team"


def refs_of(view_release: Release, manifests: list[Object], kinds: Mapping[tuple[str, str], Kind]) -> list[Ref]:
    """Every object that helm, and the stack beside it, is going to make, but hooks: helm replaces those."""
    refs = [Ref("v1", "Secret", view_release.namespace, secret) for secret in view_release.secrets]
    for item in manifests:
        kind = kinds.get((item["apiVersion"], item["kind"]))
        if kind and HOOK not in (item["metadata"].get("annotations") or {}):
            namespace = item["metadata"].get("namespace") or view_release.namespace
            place = namespace if kind.namespaced else ""
            refs.append(Ref(item["apiVersion"], item["kind"], place, item["metadata"]["name"]))
    return refs


def names(view: View) -> Iterator[Said]:
    """Whether nobody else has what is going to be made."""
    release = view.rendered.release
    namespace = view.live_namespace()
    if namespace is None:
        # A namespace that is new has nothing in it; what stands outside of it is looked at all the same.
        yield well(f"there is no namespace {release.namespace} yet")
    elif namespace["metadata"].get("deletionTimestamp"):
        yield fails(
            f"the namespace {release.namespace} is being deleted: nothing can be made in it",
            "Wait until it is gone: kubectl get namespace " + release.namespace,
        )
    elif not _is_of_stack(namespace, release) or _is_of_another_team(namespace, release):
        yield fails(
            f"the namespace {release.namespace} is there, and not this stack's: {owner_of(namespace)}",
            f"Set {release.name}.namespace to a name that is free, or delete that namespace if nobody needs it",
        )
    else:
        yield well(f"the namespace {release.namespace} is this stack's, and every name is free or its own")
    if view.rendered.missing:
        yield unknown(view.rendered.missing)
    unread = sorted({item.why for item in view.live.values() if isinstance(item, Unreadable)})
    if unread:
        yield unknown(f"whether some names are free can't be told: {'; '.join(unread)}")
    for ref, item in view.live.items():
        if not isinstance(item, Mapping):
            continue
        if ref.kind == "Secret" and ref.name in release.secrets:
            owned = _is_of_stack(item, release)
        else:
            owned = is_owned_by(item, release.name, release.namespace)
        if not owned:
            place = f" -n {ref.namespace}" if ref.namespace else ""
            yield fails(
                f"{ref.kind} {ref.name} is there already: {owner_of(item)}; it would have to be made by release "
                f"{release.name} of this stack",
                f"Find out whose it is (kubectl get {ref.kind.lower()} {ref.name}{place} -o yaml), and rename or "
                "delete it, or use another namespace",
            )
    yield from hosts(view)


def _is_of_stack(item: Object, release: Release) -> bool:
    labels = item["metadata"].get("labels") or {}
    return all(labels.get(key) == release.labels.get(key) for key in OWNER)


def _is_of_another_team(item: Object, release: Release) -> bool:
    """Whether it names a team that isn't the release's; where it names none, the stack may have got one since."""
    return (item["metadata"].get("labels") or {}).get(TEAM) not in (None, release.labels.get(TEAM))


def owner_of(item: Object) -> str:
    """Whose an object is, in words."""
    owner = annotation(item, "meta.helm.sh/release-name")
    if owner:
        return f"it belongs to the helm release {owner} in {annotation(item, 'meta.helm.sh/release-namespace')}"
    labels = item["metadata"].get("labels") or {}
    if labels.get(OWNER[1]):
        team = f", of team {labels[TEAM]}" if labels.get(TEAM) else ""
        return f"it belongs to the stack {labels[OWNER[1]]} of project {labels.get(OWNER[0])}{team}"
    if labels.get("app.kubernetes.io/managed-by"):
        return f"it is managed by {labels['app.kubernetes.io/managed-by']}"
    return "it belongs to no helm release and no stack"
