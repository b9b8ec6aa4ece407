"""Edits made by hand inside a release: each is seen once, with who made it, and undone exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.cluster import LocalCluster
from ops.drift_reading.declared import unpack
from ops.drift_reading.drifted import Report
from ops.drift_reading.entries import Drift, object_name
from ops.drift_reading.fields import MISSING, managers_of, owner_of
from ops.drift_reading.healing import heal
from ops.drift_reading.reading import read_release
from tests.engine.editing import Edit, Hand, asked, container
from tests.engine.hand_edits import CASES, CONTAINER, FOREIGN, OLLAMA, Case, Told
from tests.engine.kube import Revision, eventually, stored_in, unchanged
from tests.engine.stacks import Stack, beside, stack_on


@pytest.fixture(scope="module")
def drifting(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack that tests edit by hand; each heals what it edited."""
    # For the edits: a policy that helm owns, and room in the quota for what it refuses otherwise.
    policy = {"mongodb": {"networkPolicy": {"enabled": True}}}
    edited = {
        "network.policies": False,  # Beside the stack's own, helm's open one is refused.
        "librechat.values": policy,
        "ollama.quota": {"services.nodeports": "1"},
    }
    with stack_on(cluster, tmp_path_factory.mktemp("drifting"), settings={**beside("drifting"), **edited}) as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="module")
def hands(drifting: Stack) -> Iterator[dict[str, Hand]]:
    """Somebody with kubectl, by the release in whose namespace."""
    with asked(drifting.cluster) as api:
        yield {"ollama": Hand(api, drifting.ollama), "librechat": Hand(api, drifting.librechat)}


@pytest.fixture(autouse=True)
def _undone(hands: dict[str, Hand]) -> Iterator[None]:
    """No test leaves an edit to the next one."""
    yield
    for release, hand in hands.items():
        heal(hand.api, look(hand, release), prune=True)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_edit_is_seen_once_with_who_made_it_and_undone_exactly(
    drifting: Stack, hands: dict[str, Hand], case: Case
) -> None:
    hand = hands[case.release]
    edited = {item for item, *_ in case.told}
    eventually(lambda: quiet(drifting.cluster, hand), 60)
    before = declared_objects(hand, case.release)
    others, pods = undrifted(drifting.cluster, hand, edited), uids(hand, "v1/pods/")
    case.edit(hand)
    report = look(hand, case.release)
    assert not report.unknown
    assert sorted(map(told, report.drift)) == sorted(case.told)

    done = heal(hand.api, report)
    assert not done.failed
    assert [drift.object for drift in done.healed] == [drift.object for drift in report.drift]
    after = look(hand, case.release)
    assert (after.drift, after.unknown) == ([], [])
    now = declared_objects(hand, case.release)
    assert {key: plain(item) for key, item in now.items()} == {key: plain(item) for key, item in before.items()}
    assert undrifted(drifting.cluster, hand, edited) == others
    for item in report.drifted:
        managers = managers_of(now[object_name(item.declared)])
        for each in (each for _, each in item.found if each and each.declared is not MISSING):
            owners = [owner for path in each.paths if (owner := owner_of(path, managers))]
            assert owners and all(owner.is_release for owner in owners), each
    if not any(field.startswith(("spec.template", "spec.replicas")) or not field for _, field, *_ in case.told):
        assert uids(hand, "v1/pods/") == pods


def test_the_edits_are_of_twenty_five_kinds_and_more() -> None:
    assert len({case.name for case in CASES} | {resource for resource, _ in FOREIGN}) >= 25
    assert len({tuple(case.told) for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda hand: hand.scale(OLLAMA, 1), id="scaled to what it is"),
        pytest.param(lambda hand: hand.patch(OLLAMA, {"spec": {"revisionHistoryLimit": 10}}), id="a server's default"),
        pytest.param(
            lambda hand: hand.patch(OLLAMA, container("ollama", resources={"limits": {"memory": "4096Mi"}})),
            id="the same quantity, written otherwise",
        ),
        pytest.param(
            lambda hand: hand.patch(OLLAMA, {"metadata": {"annotations": {"deployment.kubernetes.io/x": "1"}}},
                                    "kube-controller-manager"),
            id="an annotation of a controller",
        ),
    ],
)  # fmt: skip
def test_what_changes_nothing_or_is_a_controllers_is_no_drift(hands: dict[str, Hand], edit: Edit) -> None:
    hand = hands["ollama"]
    edit(hand)
    try:
        found = look(hand, "ollama")
        assert [told(drift) for drift in found.drift] == []
        assert not found.unknown
    finally:
        hand.patch(OLLAMA, container("ollama", resources={"limits": {"memory": "4Gi"}}), "helm")
        hand.patch(OLLAMA, {"metadata": {"annotations": {"deployment.kubernetes.io/x": None}}})


@pytest.mark.parametrize(("resource", "body"), FOREIGN, ids=["ConfigMap", "Ingress", "HorizontalPodAutoscaler"])
def test_an_object_made_by_hand_is_reported_and_left_alone_but_with_prune(
    hands: dict[str, Hand], resource: str, body: dict[str, Any]
) -> None:
    hand = hands["ollama"]
    hand.create(resource, body)
    report = look(hand, "ollama")
    assert [(item.change, item.manager) for item in report.drift] == [("foreign", "kubectl-create")]
    assert report.drift[0].object.endswith("/by-hand")
    assert not heal(hand.api, report).lines
    assert hand.is_there(resource)
    assert heal(hand.api, report, prune=True).pruned == report.drift
    eventually(lambda: not hand.is_there(resource))
    assert not look(hand, "ollama").drift


def test_the_healed_fields_belong_to_the_release_again_and_helm_says_what_was_healed(hands: dict[str, Hand]) -> None:
    hand = hands["ollama"]
    hand.patch(OLLAMA, container("ollama", image="someone/else:1", env=[{"name": "A", "value": "b"}]), "kubectl-set")
    heal(hand.api, look(hand, "ollama"))
    live = hand.get(OLLAMA)["metadata"]["managedFields"]
    assert {entry["manager"] for entry in live} == {"pulumi-resource-kubernetes", "kube-controller-manager"}
    record = look(hand, "ollama").record
    assert record is not None
    said = unpack(record)["info"]["description"]
    assert f"Deployment/ollama {CONTAINER}.image someone/else:1 → ollama/ollama" in said
    assert f"Deployment/ollama {CONTAINER}.env[A] taken away (kubectl-set" in said


def look(hand: Hand, release: str) -> Report:
    return read_release(hand.api, release, hand.namespace)


def told(drift: Drift) -> Told:
    return drift.object, drift.field, drift.change, drift.manager


TOUCHED = {
    "ConfigMap": {"configmaps"},
    "Deployment": {"deployments", "replicasets", "pods"},
    "NetworkPolicy": {"networkpolicies"},
    "PersistentVolumeClaim": {"persistentvolumeclaims"},
    "PodDisruptionBudget": {"poddisruptionbudgets"},
    "Service": {"services"},
    "StatefulSet": {"statefulsets", "controllerrevisions", "pods", "poddisruptionbudgets"},
}
"""What an edit of a kind changes, with what controllers then do; as the API server stores it."""


def undrifted(cluster: LocalCluster, hand: Hand, edited: set[str]) -> dict[str, Revision]:
    """Every object of the namespace with its revision, but those that were edited and helm's records."""
    kinds = [(TOUCHED[kind], name) for kind, _, name in (item.partition("/") for item in edited)]

    def counts(key: str) -> bool:
        resource, name = key.split("/")[0], key.rpartition("/")[2]
        # The status of a quota follows every pod that comes or goes.
        counted = resource in ("endpointslices", "resourcequotas") or key.startswith("services/endpoints")
        if counted or name.startswith("sh.helm.release"):
            return False
        return not any(resource in touched and name.startswith(begin) for touched, begin in kinds)

    found = {key: item for key, item in stored_in(cluster, hand.namespace).items() if counts(key)}
    assert len(found) > 5
    return found


def quiet(cluster: LocalCluster, hand: Hand) -> bool:
    """Whether controllers are done with what the last test did."""
    workloads = [item for kind in ("deployments", "statefulsets") for item in items(hand, f"apps/v1/{kind}/")]
    for item in workloads:
        spec, status = item["spec"], item.get("status") or {}
        wanted = (item["metadata"]["generation"], *(spec["replicas"],) * 3)
        if wanted != tuple(
            status.get(f"{key}") for key in ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas")
        ):
            return False
    if any("deletionTimestamp" in pod["metadata"] for pod in items(hand, "v1/pods/")):
        return False  # A Deployment doesn't count those that are ending.
    return unchanged(lambda: stored_in(cluster, hand.namespace), 0.3) is not None


def items(hand: Hand, resource: str) -> list[dict[str, Any]]:
    return list(hand.api.get(hand.path(resource).rstrip("/"))["items"])


def uids(hand: Hand, resource: str) -> set[str]:
    return {item["metadata"]["uid"] for item in items(hand, resource)}


RESOURCES = (
    "v1/configmaps", "v1/services", "v1/serviceaccounts", "v1/persistentvolumeclaims", "apps/v1/deployments",
    "apps/v1/statefulsets", "networking.k8s.io/v1/networkpolicies",
    "policy/v1/poddisruptionbudgets",
)  # fmt: skip


def declared_objects(hand: Hand, release: str) -> dict[str, dict[str, Any]]:
    """The objects of the release, by kind and name."""
    found: dict[str, dict[str, Any]] = {}
    for resource in RESOURCES:
        collection = hand.path(f"{resource}/").rstrip("/")
        answer = hand.api.get(collection)
        kind = answer["kind"].removesuffix("List")
        for item in answer["items"]:
            if (item["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name") == release:
                found[f"{kind}/{item['metadata']['name']}"] = item
    assert found
    return found


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """What people and charts say in it."""
    metadata = item["metadata"]
    annotations = {key: text for key, text in metadata["annotations"].items() if "revision" not in key}
    spec = {key: value for key, value in (item.get("spec") or {}).items() if key not in ("clusterIP", "clusterIPs")}
    return {
        "labels": metadata.get("labels"),
        "annotations": annotations,
        "finalizers": metadata.get("finalizers"),
        "spec": spec,
        "data": item.get("data"),
    }
