"""Check `storage`."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight_checks.findings import CouldNotTellError, Result
from ops.preflight_checks.storage import storage
from ops.preflight_checks.view import Unreadable
from tests.unit.ops.preflight_views import claim, failed, named, texts, view, workload

DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
STANDARD = named("standard", provisioner="rancher.io/local-path", annotations=DEFAULT)
BY_HAND = named("by-hand", provisioner="kubernetes.io/no-provisioner")


def volume(name: str = "disk", size: str = "30Gi", phase: str = "Available", **spec: Any) -> dict[str, Any]:
    made = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "by-hand", **spec}
    return named(name, spec=made, status={"phase": phase})


def test_the_default_class_serves_a_claim_that_names_none() -> None:
    (said,) = storage(view(claim(), answers={"storageclasses": [BY_HAND, STANDARD]}))
    assert said.result is Result.OK
    assert said.text == "claim ollama: StorageClass standard, provisioner rancher.io/local-path"


def test_of_several_defaults_the_newest_is_taken() -> None:
    old = named("old", provisioner="kubernetes.io/no-provisioner", annotations=DEFAULT)
    old["metadata"]["creationTimestamp"] = "2024-01-01T00:00:00Z"
    new = named("new", provisioner="a.example.com", annotations=DEFAULT)
    new["metadata"]["creationTimestamp"] = "2025-01-01T00:00:00Z"
    for classes in ([old, new], [new, old]):
        (said,) = storage(view(claim(), answers={"storageclasses": classes}))
        assert "StorageClass new" in said.text


def test_a_claim_without_a_class_and_no_default_fails() -> None:
    (text,) = failed(list(storage(view(claim(), answers={"storageclasses": [BY_HAND]}))))
    assert text == "claim ollama names no StorageClass, and none is the default; there is: by-hand"


def test_a_class_that_is_not_there_fails_and_names_those_that_are() -> None:
    on = {"storageclasses": [STANDARD, BY_HAND]}
    said = list(storage(view(claim(storageClassName="fast"), answers=on)))
    assert failed(said) == [
        "claim ollama asks for a StorageClass fast, which is not there; there is: standard (default), by-hand"
    ]
    assert "(ollama.storage.class)" in said[0].cure


def test_every_claim_of_a_stateful_set_is_looked_at() -> None:
    database = workload("StatefulSet", "db", 2)
    database["spec"]["volumeClaimTemplates"] = [claim("data", storageClassName="fast")]
    found = failed(list(storage(view(database, claim(storageClassName="fast")))))
    assert [text.split()[1] for text in found] == ["ollama", "data-db-0", "data-db-1"]


def test_a_bound_claim_needs_nothing_any_more() -> None:
    bound = named("ollama", status={"phase": "Bound"}, spec={})
    (said,) = storage(view(claim(storageClassName="gone"), answers={"persistentvolumeclaims": [bound]}))
    assert (said.result, said.text) == (Result.OK, "1 of 1 claims are bound")


def test_a_claim_that_waits_keeps_the_class_that_it_asked_for() -> None:
    waiting = named("ollama", status={"phase": "Pending"}, spec={"storageClassName": "gone", "resources": {}})
    on = {"persistentvolumeclaims": [waiting], "storageclasses": [STANDARD]}
    (text,) = failed(list(storage(view(claim(), answers=on))))
    assert "asks for a StorageClass gone" in text


def test_a_class_without_a_provisioner_needs_volumes_one_for_each_claim() -> None:
    claims = [claim(name, storageClassName="by-hand") for name in ("a", "b")]
    on = {"storageclasses": [BY_HAND], "persistentvolumes": [volume("one"), volume("two")]}
    assert texts(list(storage(view(*claims, answers=on))), Result.OK) == [
        "claim a: the volume one waits for it",
        "claim b: the volume two waits for it",
    ]
    on["persistentvolumes"] = [volume("one")]
    (text,) = failed(list(storage(view(*claims, answers=on))))
    assert text.startswith("claim b: StorageClass by-hand, provisioner kubernetes.io/no-provisioner, makes no volumes")
    assert text.endswith("no free PersistentVolume of that class has 30Gi and ReadWriteOnce")


@pytest.mark.parametrize(
    "unfit",
    [
        volume(size="29Gi"),
        volume(phase="Bound"),
        volume(phase="Released"),
        volume(storageClassName="other"),
        volume(accessModes=["ReadOnlyMany"]),
        volume(volumeMode="Block"),
        volume(claimRef={"namespace": "elsewhere", "name": "ollama"}),
    ],
)
def test_a_volume_that_does_not_fit_is_not_taken(unfit: dict[str, Any]) -> None:
    on = {"storageclasses": [BY_HAND], "persistentvolumes": [unfit]}
    assert failed(list(storage(view(claim(storageClassName="by-hand"), answers=on))))


def test_a_volume_that_is_reserved_for_the_claim_is_taken() -> None:
    reserved = volume(claimRef={"namespace": "ollama", "name": "ollama"})
    on = {"storageclasses": [BY_HAND], "persistentvolumes": [reserved]}
    assert not failed(list(storage(view(claim(storageClassName="by-hand"), answers=on))))


def test_a_volume_may_have_a_class_that_is_only_a_name_or_none() -> None:
    by_name = {"persistentvolumes": [volume(storageClassName="manual")]}
    assert not failed(list(storage(view(claim(storageClassName="manual"), answers=by_name))))
    none = {"persistentvolumes": [volume(storageClassName=None)]}
    assert not failed(list(storage(view(claim(storageClassName=""), answers=none))))
    (text,) = failed(list(storage(view(claim(storageClassName=""), answers={"storageclasses": [STANDARD]}))))
    assert "asks for a volume without a class" in text


def test_a_provisioner_that_kubernetes_no_longer_has_needs_its_driver() -> None:
    gp2 = named("gp2", provisioner="kubernetes.io/aws-ebs", annotations=DEFAULT)
    (text,) = failed(list(storage(view(claim(), answers={"storageclasses": [gp2]}))))
    assert "is the work of the CSI driver ebs.csi.aws.com now, and that is not installed" in text
    on = {"storageclasses": [gp2], "csidrivers": [named("ebs.csi.aws.com")]}
    assert not failed(list(storage(view(claim(), answers=on))))


def test_a_csi_driver_that_did_not_register_leaves_it_open() -> None:
    ceph = named("ceph", provisioner="rook-ceph.rbd.csi.ceph.com", annotations=DEFAULT)
    (said,) = storage(view(claim(), answers={"storageclasses": [ceph]}))
    assert said.result is Result.UNKNOWN and "there is no CSIDriver of that name" in said.text


def test_no_claim_asks_nothing_and_what_may_not_be_read_is_not_judged() -> None:
    denied = Unreadable("not allowed")
    hidden = {"storageclasses": denied, "persistentvolumes": denied, "persistentvolumeclaims": denied}
    (said,) = storage(view(workload(), answers=hidden))
    assert said.text == "no volume is asked for"
    with pytest.raises(CouldNotTellError, match="persistentvolumeclaims"):
        list(storage(view(claim(), answers=hidden)))
    # Volumes are only asked about where no class makes one.
    (said,) = storage(view(claim(), answers={"storageclasses": [STANDARD], "persistentvolumes": denied}))
    assert said.result is Result.OK
    with pytest.raises(CouldNotTellError, match="persistentvolumes can't be read"):
        list(storage(view(claim(), answers={"storageclasses": [], "persistentvolumes": denied})))


@pytest.mark.parametrize(
    ("phase", "cure"),
    [
        ("Pending", "Delete it, it holds nothing yet: kubectl -n ollama delete pvc ollama"),
        (
            "Bound",
            "Put the class back to slow (ollama.storage.class); to change it, move the data to a new claim first",
        ),
    ],
)
def test_a_claim_that_is_there_can_not_change_its_class(phase: str, cure: str) -> None:
    live = named("ollama", spec={"storageClassName": "slow"}, status={"phase": phase})
    on = {"storageclasses": [STANDARD], "persistentvolumeclaims": [live]}
    (said,) = storage(view(claim(storageClassName="standard"), answers=on))
    assert (said.result, said.cure) == (Result.FAILED, cure)
    assert said.text == (
        "claim ollama is there already with the StorageClass slow, and the release asks for standard: a claim can't "
        "change its class"
    )


def test_a_claim_that_is_bound_and_names_no_class_any_more_is_left_as_it_is() -> None:
    live = named("ollama", spec={"storageClassName": "slow"}, status={"phase": "Bound"})
    (said,) = storage(view(claim(), answers={"persistentvolumeclaims": [live]}))
    assert said.result is Result.OK
