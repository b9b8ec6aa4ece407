"""Check `storage`: whether every volume claim will get a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ops.diagnosis.objects import Object, annotation, name
from ops.diagnosis.placing import quantity
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import Result, Said, fails, unknown, well
from ops.preflight_checks.manifests import Claim
from ops.preflight_checks.view import View

DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
NO_PROVISIONER = "kubernetes.io/no-provisioner"
MIGRATED = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "file.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
}
"""Provisioners that Kubernetes had itself once, and the CSI drivers that do their work now
(k8s.io/csi-translation-lib, 2026-11)."""


def storage(view: View) -> Iterator[Said]:
    """Whether each claim is bound, or its class can provision, or a volume waits for it."""
    claims = view.claims
    there = {name(item): item for item in view.all("persistentvolumeclaims")} if claims else {}
    fixed = [claim for claim in claims if _asks_for_another_class(claim, there.get(claim.name))]
    for claim in fixed:
        yield _can_not_change(view, claim, there[claim.name])
    claims = [claim for claim in claims if claim not in fixed]
    bound = [claim for claim in claims if _is_bound(there.get(claim.name))]
    asked = [_as_it_is(claim, there.get(claim.name)) for claim in claims if claim not in bound]
    if not asked and not fixed:
        yield well(f"{len(bound)} of {len(claims)} claims are bound" if claims else "no volume is asked for")
        return
    classes = view.all("storageclasses") if asked else ()
    taken: set[str] = set()
    for claim in asked:
        said = _by_class(view, claim, classes)
        if said.result is Result.FAILED and (volume := _waiting(view, claim, class_of(claim, classes) or "", taken)):
            taken.add(volume)
            said = well(f"claim {claim.name}: the volume {volume} waits for it")
        yield said


def default_class(classes: Sequence[Object]) -> Object | None:
    """The class that a claim without one gets: the newest of those that are marked as default."""
    marked = [item for item in classes if "true" in (annotation(item, key) for key in DEFAULT)]
    return max(marked, key=lambda item: str(item["metadata"].get("creationTimestamp", "")), default=None)


def class_of(claim: Claim, classes: Sequence[Object]) -> str | None:
    """The name of the class that a claim asks for or gets; empty for none at all, None where it gets none."""
    named = claim.spec.get("storageClassName")
    if named is not None:
        return str(named)
    found = default_class(classes)
    return name(found) if found else None


def _is_bound(live: Object | None) -> bool:
    return bool(live) and (live or {}).get("status", {}).get("phase") == "Bound"


def _asks_for_another_class(claim: Claim, live: Object | None) -> bool:
    """Whether the claim is there with a class that is not the one that the chart names now."""
    named = claim.spec.get("storageClassName")
    return live is not None and named is not None and live["spec"].get("storageClassName", named) != named


def _can_not_change(view: View, claim: Claim, live: Object) -> Said:
    release = view.rendered.release
    had, setting = live["spec"]["storageClassName"], in_setting(release.name, "storage.class")
    text = (
        f"claim {claim.name} is there already with the StorageClass {had}, and the release asks for "
        f"{claim.spec['storageClassName']}: a claim can't change its class"
    )
    if _is_bound(live):
        return fails(text, f"Put the class back to {had}{setting}; to change it, move the data to a new claim first")
    return fails(text, f"Delete it, it holds nothing yet: kubectl -n {release.namespace} delete pvc {claim.name}")


def _as_it_is(claim: Claim, live: Object | None) -> Claim:
    """A claim that is there already keeps what it asked for: its class can't be changed."""
    return Claim(claim.name, live["spec"]) if live else claim


def _by_class(view: View, claim: Claim, classes: Sequence[Object]) -> Said:
    """Whether the class of the claim is there and makes volumes."""
    setting = in_setting(view.rendered.release.name, "storage.class")
    wanted = class_of(claim, classes)
    listed = ", ".join(f"{name(item)}{' (default)' if item is default_class(classes) else ''}" for item in classes)
    if wanted is None:
        return fails(
            f"claim {claim.name} names no StorageClass, and none is the default; there is: {listed or 'none'}",
            f"Name one{setting}, or mark one as default with the annotation {DEFAULT[0]}",
        )
    found = next((item for item in classes if name(item) == wanted), None)
    if found is None:
        what = f"StorageClass {wanted}" if wanted else "volume without a class"
        return fails(
            f"claim {claim.name} asks for a {what}, which is not there; there is: {listed or 'none'}",
            f"Name one of these{setting}, or create it",
        )
    return _can_provision(view, claim, found, setting)


def _can_provision(view: View, claim: Claim, found: Object, setting: str) -> Said:
    provisioner = str(found["provisioner"])
    text = f"claim {claim.name}: StorageClass {name(found)}, provisioner {provisioner}"
    if provisioner == NO_PROVISIONER:
        modes = ", ".join(claim.spec.get("accessModes") or ())
        size = (claim.spec.get("resources") or {}).get("requests", {}).get("storage")
        return fails(
            f"{text}, makes no volumes, and no free PersistentVolume of that class has {size} and {modes}",
            f"Create such a volume, or name a class that provisions{setting}",
        )
    driver = MIGRATED.get(provisioner, provisioner)
    if ".csi." not in f".{driver}." and provisioner not in MIGRATED:
        return well(text)
    if driver in {name(item) for item in view.all("csidrivers")}:
        return well(text)
    if provisioner in MIGRATED:
        return fails(
            f"{text}, is the work of the CSI driver {driver} now, and that is not installed",
            f"Install it, or name a class of another provisioner{setting}",
        )
    # A driver need not register itself, though all known ones do.
    return unknown(f"{text}: there is no CSIDriver of that name", "Look whether the driver runs")


def _waiting(view: View, claim: Claim, wanted: str, taken: set[str]) -> str | None:
    """The name of a volume that waits for such a claim, and that no other claim of the release takes."""
    for volume in view.all("persistentvolumes"):
        spec = volume["spec"]
        reserved = spec.get("claimRef")
        if (
            volume.get("status", {}).get("phase") == "Available"
            and name(volume) not in taken
            and (not reserved or _is_for(reserved, claim, view.rendered.release.namespace))
            and (spec.get("storageClassName") or "") == wanted
            and set(claim.spec.get("accessModes") or ()) <= set(spec.get("accessModes") or ())
            and (spec.get("volumeMode") or "Filesystem") == (claim.spec.get("volumeMode") or "Filesystem")
            and quantity(spec["capacity"]["storage"]) >= claim.size
            and claim.spec.get("volumeName") in (None, name(volume))
        ):
            return name(volume)
    return None


def _is_for(reserved: Object, claim: Claim, namespace: str) -> bool:
    return (reserved.get("namespace"), reserved.get("name")) == (namespace, claim.name)
