"""What somebody made by hand is told from what belongs there, and no data is pruned with it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes import client

from ops.drift_reading import reading
from ops.drift_reading.declared import named_objects, pack
from ops.drift_reading.drifted import Report
from ops.drift_reading.entries import Drift
from ops.drift_reading.foreign import is_by_hand, is_looked_at
from ops.drift_reading.healing import heal
from ops.preflight_checks.reading import Api, Deadline
from ops.preflight_checks.view import Kind

KUBECTL, CONTROLLER = "kubectl-edit", "kube-controller-manager"
MADE: dict[str, Any] = {"f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {"f:storage": {}}}}}
"""What the maker of a claim writes."""
ENLARGED: dict[str, Any] = {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}}


def written(manager: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": "2026-11-21T07:00:00Z", "fieldsV1": fields}


def by_hand(kind: str = "ConfigMap", name: str = "x", manager: str = KUBECTL, **metadata: Any) -> bool:
    managed = {"managedFields": [written(manager, {"f:data": {}})]}
    found = {"metadata": {"name": name, **managed, **metadata}}
    return is_by_hand(kind, found, {("ConfigMap", "ours")}, ("app",))


def test_what_somebody_made_by_hand_is_told_from_what_belongs_there() -> None:
    assert by_hand()
    assert by_hand("Secret", "sh.helm.release.v1.other.v1", "helm")
    assert not by_hand(name="ours")
    assert not by_hand(name="kube-root-ca.crt")
    assert not by_hand(manager=CONTROLLER)
    assert not by_hand(ownerReferences=[{"kind": "ReplicaSet", "name": "app", "uid": "1"}])
    assert not by_hand("Secret", "sh.helm.release.v1.app.v1", "pulumi-kubernetes")


@pytest.mark.parametrize("edit", [ENLARGED, {"f:metadata": {"f:labels": {"f:mine": {}}}}], ids=["enlarged", "labelled"])
def test_the_claim_of_a_stateful_set_stays_its_own_whoever_wrote_to_it_since(edit: dict[str, Any]) -> None:
    writers = [written(CONTROLLER, MADE), written(KUBECTL, edit)]
    assert not by_hand("PersistentVolumeClaim", "datadir-app-0", managedFields=writers)


def test_a_claim_that_somebody_made_is_by_hand_although_a_controller_bound_it() -> None:
    writers = [written(KUBECTL, MADE), written(CONTROLLER, {"f:spec": {"f:volumeName": {}}})]
    assert by_hand("PersistentVolumeClaim", "mine", managedFields=writers)


def test_what_a_release_refers_to_is_nobodys_hand_made_object() -> None:
    pod = {
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"envFrom": [{"secretRef": {"name": "env"}}], "env": [{"name": "X", "value": "plain"}]}],
        "volumes": [
            {"secret": {"secretName": "mounted"}},
            {"projected": {"sources": [{"secret": {"name": "part"}}, {"configMap": {"name": "settings"}}]}},
        ],
    }
    notes = {"cert-manager.io/issuer": "ours"}
    ingress = {
        "kind": "Ingress",
        "metadata": {"name": "app", "annotations": notes},
        "spec": {"tls": [{"secretName": "tls"}]},
    }
    deployment = {"kind": "Deployment", "metadata": {"name": "app"}, "spec": {"template": {"spec": pod}}}
    found = named_objects([deployment, ingress])
    secrets = {name for kind, name in found if kind == "Secret"}
    assert secrets >= {"pull", "env", "mounted", "part", "settings", "tls"}
    assert "X" not in secrets
    assert [name for kind, name in found if kind == "Issuer"] == ["ours"]


@pytest.mark.parametrize("group", ["metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"])
def test_what_is_only_computed_is_not_looked_at(group: str) -> None:
    assert not is_looked_at(Kind("pods", group, True))


@dataclass(frozen=True)
class Server(Api):
    """Notes what is written."""

    written: list[tuple[str, str]] = field(default_factory=list)
    holds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Resource → what is there of it."""

    def get(self, path: str, *_: Any, **__: Any) -> Any:
        raise client.ApiException(status=404)

    def items(self, path: str, **_: str) -> list[Any]:
        return self.holds.get(path.rpartition("/")[2], [])

    def send(self, method: str, path: str, *_: Any, **__: Any) -> Any:
        self.written.append((method, path))
        return {}


def test_a_claim_that_somebody_made_is_not_pruned_since_it_holds_data() -> None:
    server = Server(client.ApiClient(), Deadline(time.monotonic()))
    claim = Drift("app", "apps", "PersistentVolumeClaim/mine", "foreign", manager=KUBECTL)
    report = Report("app", "apps", foreign=[(claim, "/api/v1/namespaces/apps/persistentvolumeclaims/mine")])
    done = heal(server, report, prune=True)
    assert server.written == [] and done.pruned == []
    (said,) = done.failed
    assert said.startswith("PersistentVolumeClaim/mine: a claim holds data")
    assert said.endswith("kubectl -n apps delete pvc mine")


def made_by(manager: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "managedFields": [written(manager, {"f:spec": {}})], **metadata}}


def secret_of(owner_kind: str, owner: str, name: str) -> dict[str, Any]:
    """A Secret that its operator made, and owns by somebody's object."""
    owners = [{"apiVersion": "example.com/v1", "kind": owner_kind, "name": owner, "uid": "1"}]
    return made_by("operator", name, ownerReferences=owners)


@pytest.mark.parametrize(
    ("kind", "resource"), [("ExternalSecret", "externalsecrets"), ("SealedSecret", "sealedsecrets")]
)
def test_what_makes_a_secret_that_a_release_names_is_no_hand_made_object_and_what_makes_another_is(
    kind: str, resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = {"containers": [{"envFrom": [{"secretRef": {"name": "chat-keys"}}]}]}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {"template": {"spec": pod}},
    }
    labels = {"name": "app", "status": "deployed", "version": "1"}
    record = {
        "type": "helm.sh/release.v1",
        "metadata": {"name": "app.v1", "labels": labels, "creationTimestamp": "2026-11-21T07:00:00Z"},
        "data": {"release": pack({"manifest": json.dumps(manifest), "info": {}})},
    }
    secrets = [record, secret_of(kind, "keys", "chat-keys"), secret_of(kind, "stray", "unheard-of")]
    makers = [made_by(KUBECTL, "keys"), made_by(KUBECTL, "stray"), made_by(KUBECTL, "chat-keys")]
    kinds = {("example.com/v1", kind): Kind(resource, "example.com", True)}
    monkeypatch.setattr(reading, "read_kinds", lambda _: kinds)
    server = Server(client.ApiClient(), Deadline.after(60), holds={"secrets": secrets, resource: makers})
    report = reading.read_release(server, "app", "apps")
    assert sorted(drift.object for drift, _ in report.foreign) == [f"{kind}/chat-keys", f"{kind}/stray"]
