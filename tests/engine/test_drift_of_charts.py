"""Drift of what the stack's own charts don't have: autoscaling, finalizers, Secrets, many objects, a killed helm."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from local.cluster import LocalCluster
from ops.drift_reading.healing import heal
from ops.drift_reading.reading import read_release
from tests.engine.chart_servers import helm
from tests.engine.editing import Hand, asked

pytestmark = pytest.mark.alone

MANY = 200
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, finalizers: [example.com/declared]}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: "app:1"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec:
  minReplicas: 1
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
---
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {password: declared-password}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app-%d}\ndata: {a: b}\n"
DEPLOYMENT = "apps/v1/deployments/app"


def installed(cluster: LocalCluster, folder: Path, name: str, manifests: str) -> Iterator[Hand]:
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text(f"{{apiVersion: v2, name: {name}, version: 1.0.0}}")
    (folder / "templates" / "all.yaml").write_text(manifests)
    where = ("--kubeconfig", str(cluster.kubeconfig), "--namespace", name)
    helm("install", name, str(folder), *where, "--create-namespace")
    with asked(cluster) as api:
        yield Hand(api, name)
        hand = Hand(api, name)
        if hand.is_there(DEPLOYMENT):
            hand.patch(DEPLOYMENT, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/declared"]}})
    helm("uninstall", name, *where)


@pytest.fixture(scope="module")
def app(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    yield from installed(cluster, tmp_path_factory.mktemp("app"), "driftapp", APP)


def drift(hand: Hand) -> list[tuple[str, str, str, str]]:
    report = read_release(hand.api, hand.namespace, hand.namespace)
    assert not report.unknown
    return [(item.object, item.field, item.change, item.manager) for item in report.drift]


def test_replicas_that_a_declared_autoscaler_sets_are_no_drift_and_survive_a_heal(app: Hand) -> None:
    assert drift(app) == []
    app.scale(DEPLOYMENT, 4, "kube-controller-manager")
    assert drift(app) == []
    app.patch(DEPLOYMENT, {"metadata": {"labels": {"x": "y"}}}, "kubectl-label")
    assert drift(app) == [("Deployment/app", "metadata.labels.x", "added", "kubectl-label")]
    heal(app.api, read_release(app.api, app.namespace, app.namespace))
    assert drift(app) == []
    assert app.get(DEPLOYMENT)["spec"]["replicas"] == 4


def test_a_finalizer_that_was_removed_is_put_back(app: Hand) -> None:
    app.patch(DEPLOYMENT, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/declared"]}})
    assert drift(app) == [("Deployment/app", "metadata.finalizers", "removed", "unknown")]
    heal(app.api, read_release(app.api, app.namespace, app.namespace))
    assert app.get(DEPLOYMENT)["metadata"]["finalizers"] == ["example.com/declared"]
    assert drift(app) == []


def test_a_secret_that_was_edited_is_seen_and_healed_and_no_value_is_told(app: Hand) -> None:
    before = app.get("v1/secrets/app")["data"]
    app.patch("v1/secrets/app", {"stringData": {"password": "edited-password", "more": "another-one"}}, "kubectl-edit")
    # A value that the Secret no longer holds is still one.
    elsewhere = {"metadata": {"annotations": {"note": "was declared-password, is edited-password"}}}
    app.patch(DEPLOYMENT, elsewhere, "kubectl-annotate")
    report = read_release(app.api, app.namespace, app.namespace)
    assert sorted((item.field, item.change) for item in report.drift) == [
        ("data.more", "added"),
        ("data.password", "changed"),
        ("metadata.annotations.note", "added"),
    ]
    assert [item.live for item in report.drift if item.field.endswith("note")] == ["was ***, is ***"]
    done = heal(app.api, report)
    told = json.dumps([asdict(item) for item in report.drift]) + "".join(done.lines)
    for word in ("declared-password", "edited-password", "another-one", *before.values()):
        assert word not in told
    assert app.get("v1/secrets/app")["data"] == before
    assert drift(app) == []


def test_a_release_that_helm_left_half_done_is_reported_and_not_touched(app: Hand) -> None:
    record = "v1/secrets/sh.helm.release.v1.driftapp.v1"
    app.patch(record, {"metadata": {"labels": {"status": "pending-upgrade"}}})
    try:
        app.patch(DEPLOYMENT, {"metadata": {"labels": {"x": "y"}}})
        assert [item[:3] for item in drift(app)] == [("Release/driftapp", "status", "pending")]
        assert not heal(app.api, read_release(app.api, app.namespace, app.namespace)).lines
    finally:
        app.patch(record, {"metadata": {"labels": {"status": "deployed"}}})
        app.patch(DEPLOYMENT, {"metadata": {"labels": {"x": None}}})


def test_two_hundred_objects_that_have_all_drifted_are_read_in_five_seconds(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    release = installed(cluster, tmp_path, "driftmany", "---\n".join(CONFIG % number for number in range(MANY)))
    hand = next(release)
    for number in range(MANY):
        hand.patch(f"v1/configmaps/app-{number}", {"data": {"a": "c"}})
    started = time.monotonic()
    found = read_release(hand.api, "driftmany", "driftmany")
    seconds = time.monotonic() - started
    print(f"{MANY} objects, all drifted: {seconds:.2f} s")
    assert len(found.drift) == MANY
    assert seconds < 5
    assert len(heal(hand.api, found).healed) == MANY
    assert drift(hand) == []
    assert next(release, None) is None


def test_a_release_that_is_not_there_is_no_clean_one(app: Hand) -> None:
    report: Any = read_release(app.api, "no-such-release", app.namespace)
    assert report.unknown == [
        "helm has no record of the release no-such-release in the namespace driftapp: not deployed"
    ]
