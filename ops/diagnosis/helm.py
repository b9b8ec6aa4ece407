"""Releases that helm refuses, or that its own record keeps from being begun again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.objects import RELEASE_ANNOTATION, Snapshot, annotation, name
from ops.diagnosis.refusals import refusal
from ops.diagnosis.words import in_setting, shortened

OWNED = re.compile(r'(?P<kind>\w+) "(?P<name>[^"]+)" in namespace "[^"]*" exists and cannot be imported')
OWNER = re.compile(r'release-name" must equal "[^"]+": current value is "(?P<owner>[^"]+)"')
REFUSED = re.compile(r'(?P<resource>[a-z.]+) "(?P<name>[^"]+)" is forbidden|(?P<kind>[a-z.]+) is forbidden')
IMMUTABLE = re.compile(
    r'cannot patch "(?P<name>[^"]+)" with kind (?P<kind>\w+): .*?(?P<why>\S+: (?:Forbidden|Invalid value): [^\n]*)',
    re.DOTALL,
)
NO_NAMESPACE = re.compile(
    r'namespaces "(?P<namespace>[^"]+)" not found|namespace (?P<ending>\S+) because it is being terminated'
)
NO_KIND = re.compile(r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"')
IN_USE = re.compile(
    r"cannot re-use a name that is still in use|another operation \(install/upgrade/rollback\) is in progress"
)
CHART = re.compile(
    r"(?:execution error at|values don't meet the specifications|failed to download|parse error at).*", re.DOTALL
)
OWNABLE = {
    "serviceaccounts": "ServiceAccount", "services": "Service", "deployments": "Deployment", "configmaps": "ConfigMap",
    "statefulsets": "StatefulSet", "persistentvolumeclaims": "PersistentVolumeClaim",
}  # fmt: skip
"""Resource → kind of what the charts make under a name that somebody else may have taken."""


def helm_causes(snapshot: Snapshot, error: str) -> Iterator[Cause]:
    """What helm's or the provider's error says of the cause: nothing where it only says that time was up."""
    subject = f"release {snapshot.release}"
    if found := OWNED.search(error):
        owner = OWNER.search(error)
        yield _owned(snapshot, f"{found['kind']} {found['name']}", owner["owner"] if owner else None)
    elif refused := refusal(snapshot, _refused_object(error) or subject, error):
        yield replace(refused, rank=Rank.HELM)
    elif found := IMMUTABLE.search(error):
        text = f"it is there already and can't be changed: {shortened(found['why'])}"
        yield Cause(Rank.HELM, f"{found['kind']} {found['name']}", text, _difference(error), _instead(snapshot, found))
    elif found := NO_KIND.search(error):
        text = f"the cluster has no kind {found['kind']} in {found['version']}"
        yield Cause(Rank.HELM, subject, text, (), "install what brings it, or switch it off in the values")
    elif found := NO_NAMESPACE.search(error):
        text = f"the namespace {found['namespace'] or found['ending']} is gone, or being deleted"
        yield Cause(Rank.HELM, subject, text, (), "wait until it is gone, then again")
    elif IN_USE.search(error):
        yield stuck(snapshot)
    elif found := CHART.search(error):
        yield Cause(Rank.HELM, subject, shortened(found[0], 600))


def stuck(snapshot: Snapshot) -> Cause:
    """Helm's record says that an operation is under way."""
    undo = "uninstall" if len(snapshot.revisions) < 2 else "rollback"
    cure = f"if none is: make recover STACK=<stack>; by hand: helm -n {snapshot.namespace} {undo} {snapshot.release}"
    cure += ", then pulumi refresh --clear-pending-creates (pulumi cancel before, where the state is locked)"
    text = "helm's record says that an operation is under way: another `up`, or one that was interrupted"
    return Cause(Rank.RECORD, f"release {snapshot.release}", text, (), cure)


def no_rights(snapshot: Snapshot) -> Iterator[Cause]:
    """What the kubeconfig's user may not create, of what the release is made of."""
    if snapshot.forbidden:
        text = f"the kubeconfig's user may not create its {', '.join(snapshot.forbidden)}"
        cure = f"give it the right (RBAC); what it has: kubectl -n {snapshot.namespace} auth can-i --list"
        yield Cause(Rank.HELM, f"release {snapshot.release}", text, (), cure)


def foreign_objects(snapshot: Snapshot) -> Iterator[Cause]:
    """Objects under names of the release that somebody else made: helm refuses to take them over."""
    for resource, kind in OWNABLE.items():
        for item in snapshot.all(resource):
            made_by = item["metadata"].get("ownerReferences")
            named = name(item) == snapshot.release or name(item).startswith(f"{snapshot.release}-")
            owner = annotation(item, RELEASE_ANNOTATION)
            if named and not made_by and owner != snapshot.release:
                yield _owned(snapshot, f"{kind} {name(item)}", owner)


def _owned(snapshot: Snapshot, subject: str, owner: str | None) -> Cause:
    text = f'belongs to the release "{owner}"' if owner else "is there already and no release's"
    cure = f"choose another namespace{in_setting(snapshot.release, 'namespace')}, or remove what is there"
    return Cause(Rank.HELM, subject, f"{text}: helm does not take it over", (), cure)


def _refused_object(error: str) -> str | None:
    found = REFUSED.search(error)
    if not found:
        return None
    return f"{found['resource']} {found['name']}" if found["resource"] else str(found["kind"])


def _difference(error: str) -> tuple[str, ...]:
    """The lines of the API server's own difference that say what was to change."""
    return tuple(shortened(line) for line in error.splitlines() if re.match(r"\s*[-+]\s+\S", line))[:6]


def _instead(snapshot: Snapshot, found: re.Match[str]) -> str:
    if found["kind"] != "PersistentVolumeClaim":
        return "put its settings back as they were"
    claim = next((item for item in snapshot.all("persistentvolumeclaims") if name(item) == found["name"]), None)
    if claim is not None and claim.get("status", {}).get("phase") != "Bound":
        return f"it holds nothing yet: kubectl -n {snapshot.namespace} delete pvc {found['name']}"
    return "put its settings back as they were, or move its data to a new claim: deleting it deletes what it holds"
