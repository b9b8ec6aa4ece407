"""What `recover` notes as there: whatever the engine was about to make, and the cluster holds as the stack's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from components.guardrails.resources import _CLASSES
from ops.preflight_checks.names import OWNER
from ops.preflight_checks.reading import Api
from ops.recovery.mending import _live
from ops.recovery.place import Place
from ops.recovery.releases import MendingError
from ops.recovery.state import Resource

SERVED = {
    "LimitRange": ("v1", "limitranges"),
    "Namespace": ("v1", "namespaces"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "PriorityClass": ("scheduling.k8s.io/v1", "priorityclasses"),
    "ResourceQuota": ("v1", "resourcequotas"),
    "Role": ("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings"),
    "Secret": ("v1", "secrets"),
    "ServiceAccount": ("v1", "serviceaccounts"),
}
OF_NO_NAMESPACE = ("Namespace", "PriorityClass")
OURS = dict(zip(OWNER, ("private-chatgpt", "prod"), strict=True))
PLACE = Place("prod", "private-chatgpt", Path(), "prod")


def begun(kind: str, version: str) -> Resource:
    """A resource as the engine notes it before it makes the object."""
    inside = {} if kind in OF_NO_NAMESPACE else {"namespace": "models"}
    group = version if "/" in version else f"core/{version}"
    inputs = {"apiVersion": version, "kind": kind, "metadata": {"name": "own", **inside}}
    return {"urn": f"urn:pulumi:prod::p::{kind}::own", "type": f"kubernetes:{group}:{kind}", "inputs": inputs}


def path_to(kind: str) -> str:
    version, plural = SERVED[kind]
    inside = "" if kind in OF_NO_NAMESPACE else "/namespaces/models"
    return f"/{'apis' if '/' in version else 'api'}/{version}{inside}/{plural}/own"


def kinds_of(root: str) -> dict[str, Any]:
    """What the API server answers when it is asked for all its kinds."""
    groups = [
        {
            "metadata": {"name": version.rpartition("/")[0]},
            "versions": [
                {
                    "version": version.rpartition("/")[2],
                    "resources": [
                        {
                            "resource": plural,
                            "responseKind": {"kind": kind},
                            "scope": "Cluster" if kind in OF_NO_NAMESPACE else "Namespaced",
                        }
                    ],
                }
            ],
        }
        for kind, (version, plural) in SERVED.items()
        if ("/" in version) == (root == "/apis")
    ]
    return {"kind": "APIGroupDiscoveryList", "items": groups}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each path answers: an object, or a status that isn't 200; 404 of any other."""
    held: dict[str, Any] = {}

    def get(_: Api, path: str, **more: Any) -> Any:
        found = kinds_of(path) if path in ("/api", "/apis") else held.get(path, 404)
        if isinstance(found, int):
            raise client.ApiException(status=found, reason="so it is")
        return found

    monkeypatch.setattr(Api, "get", get)
    return held


def is_there(resource: Resource) -> bool:
    return _live(client.ApiClient(), PLACE)(resource)


def test_every_kind_that_the_program_makes_is_tried_here() -> None:
    assert set(SERVED) == {*_CLASSES, "Namespace", "Secret"}


@pytest.mark.parametrize("kind", SERVED)
def test_an_object_of_any_kind_is_noted_where_it_is_there_and_the_stacks_own(
    cluster: dict[str, Any], kind: str
) -> None:
    resource = begun(kind, SERVED[kind][0])
    assert not is_there(resource), "404"
    cluster[path_to(kind)] = {"metadata": {"name": "own", "labels": OURS}}
    assert is_there(resource)
    cluster[path_to(kind)] = {"metadata": {"name": "own", "labels": OURS | {OWNER[1]: "dev"}}}
    assert not is_there(resource), "another stack's"
    cluster[path_to(kind)] = {"metadata": {"name": "own"}}
    assert not is_there(resource), "made by hand"


def test_what_the_engine_makes_alone_or_the_cluster_does_not_serve_is_nowhere(cluster: dict[str, Any]) -> None:
    assert not is_there({"type": "random:index/randomPassword:RandomPassword", "inputs": {"length": 64}})
    assert not is_there(begun("Gadget", "example.com/v1"))


def test_an_object_that_may_not_be_read_ends_the_mending(cluster: dict[str, Any]) -> None:
    cluster[path_to("Role")] = 403
    with pytest.raises(MendingError, match=r"Role models/own can't be read: not allowed"):
        is_there(begun("Role", SERVED["Role"][0]))
