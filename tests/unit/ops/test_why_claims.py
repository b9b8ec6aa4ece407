"""Why a volume claim is not bound."""

from typing import Any

from ops.diagnosis.causes import Cause
from ops.diagnosis.claims import claim_causes
from ops.diagnosis.objects import Event
from tests.unit.ops.why_objects import event, revision, snapshot

KEPT = {"helm.sh/resource-policy": "keep"}
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


def claim(class_: str | None = "fast", *, phase: str = "Pending", annotations: Any = None) -> dict[str, Any]:
    metadata = {"name": "ollama", "uid": "c", "annotations": annotations or {}}
    return {
        "metadata": metadata,
        "spec": {"storageClassName": class_, "volumeName": "pv-1"},
        "status": {"phase": phase},
    }


def storage_class(name: str, annotations: Any = None) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": annotations}}


def of_claim(reason: str, message: str, uid: str = "c") -> Event:
    return event(reason, message, kind="PersistentVolumeClaim", name="ollama", uid=uid)


def causes(item: dict[str, Any], *events: Event, **parts: Any) -> list[Cause]:
    found = snapshot(persistentvolumeclaims=[item], events=events, **parts)
    return list(claim_causes(found, events))


def test_a_bound_claim_and_one_that_waits_for_its_pod_are_no_causes() -> None:
    assert causes(claim(phase="Bound")) == []
    waits = of_claim("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    assert causes(claim(), waits, storageclasses=[storage_class("fast")]) == []


def test_a_class_that_is_not_there_is_told_with_those_that_are() -> None:
    there = [storage_class("standard", DEFAULT), storage_class("slow")]
    (found,) = causes(claim(), storageclasses=there, revisions=[revision(1)])
    assert found.line == 'claim ollama: there is no StorageClass "fast"'
    assert found.details == ("StorageClasses of the cluster: standard (default), slow",)
    assert found.cure == "name a StorageClass that is there (ollama.storage.class), or make this one"


def test_a_claim_that_helm_leaves_behind_must_be_deleted_before_it_gets_another_class() -> None:
    delete = "kubectl -n ollama delete pvc ollama"
    (kept,) = causes(claim(annotations=KEPT), storageclasses=[], revisions=[revision(1)])
    (left,) = causes(claim(), storageclasses=[])
    assert delete in kept.cure and delete in left.cure
    # Its class is there: another one is not what it needs.
    (slow,) = causes(claim(annotations=KEPT), storageclasses=[storage_class("fast")])
    assert delete not in slow.cure


def test_without_a_right_to_list_classes_the_event_tells_which_is_missing() -> None:
    missing = of_claim("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    (found,) = causes(claim(), missing)
    assert (found.text, found.details) == ('there is no StorageClass "fast"', ())


def test_a_cluster_without_a_default_class_is_told_apart() -> None:
    none = of_claim("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    (found,) = causes(claim(None), none, storageclasses=[storage_class("slow")])
    assert found.text == "it names no StorageClass, and the cluster has no default one"
    assert found.details == ("StorageClasses of the cluster: slow",)


def test_what_the_provisioner_says_is_told() -> None:
    failed = of_claim("ProvisioningFailed", "rpc error: quota of the cloud project exceeded")
    (found,) = causes(claim(), failed, storageclasses=[storage_class("fast")])
    assert found.text == "not bound: rpc error: quota of the cloud project exceeded"
    (silent,) = causes(claim(), storageclasses=[storage_class("fast")])
    assert silent.text == "not bound, and no event says why"


def test_of_two_events_in_one_second_the_later_one_tells_why() -> None:
    waits = of_claim("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    failed = of_claim("ProvisioningFailed", "no space")
    (found,) = causes(claim(), waits, failed, storageclasses=[storage_class("fast")])
    assert found.text == "not bound: no space"
    assert causes(claim(), failed, waits, storageclasses=[storage_class("fast")]) == []


def test_a_volume_that_is_lost_is_told_as_lost() -> None:
    (found,) = causes(claim(phase="Lost"))
    assert found.text == 'its volume "pv-1" is gone, and what it held'


def test_what_happened_to_an_earlier_claim_of_the_same_name_is_not_told() -> None:
    old = of_claim("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', uid="old")
    assert causes(claim(phase="Bound"), old) == []
    (found,) = causes(claim(), old, storageclasses=[storage_class("fast")])
    assert found.text == "not bound, and no event says why"


def test_a_claim_that_is_gone_counts_only_if_a_pod_of_the_same_try_waited_for_it() -> None:
    gone = of_claim("ProvisioningFailed", "no space")
    pod_waits = event("FailedScheduling", "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    assert list(claim_causes(snapshot(), [gone])) == []
    assert [found.line for found in claim_causes(snapshot(), [gone, pod_waits])] == ["claim ollama: no space"]
