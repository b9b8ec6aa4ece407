"""Edits that somebody makes by hand inside a release, under the field managers that kubectl takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes.client import ApiException

from local.cluster import LocalCluster
from ops.diagnosis.reading import connect
from ops.preflight_checks.reading import Api, Deadline

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

Edit = Callable[["Hand"], None]


@contextmanager
def asked(cluster: LocalCluster) -> Iterator[Api]:
    """The cluster, as drift asks it, for as long as a module of tests may take."""
    with connect(cluster.context, cluster.kubeconfig) as client:
        yield Api(client, Deadline.after(3600))


@dataclass(frozen=True)
class Hand:
    """Somebody with kubectl in one namespace."""

    api: Api
    namespace: str

    def path(self, resource: str) -> str:
        """Of an object such as `apps/v1/deployments/ollama`; the core group is `v1`."""
        *version, plural, name = resource.split("/")
        root = "/apis/" if len(version) > 1 else "/api/"
        return f"{root}{'/'.join(version)}/namespaces/{self.namespace}/{plural}/{name}"

    def get(self, resource: str) -> dict[str, Any]:
        return dict(self.api.get(self.path(resource)))

    def patch(self, resource: str, body: Any, manager: str = "kubectl-patch", content: str = STRATEGIC) -> None:
        self.api.send("PATCH", self.path(resource), body, content, fieldManager=manager)

    def patch_namespace(self, metadata: Mapping[str, Any], manager: str) -> None:
        body = {"metadata": dict(metadata)}
        self.api.send("PATCH", f"/api/v1/namespaces/{self.namespace}", body, MERGE, fieldManager=manager)

    def scale(self, resource: str, replicas: int, manager: str = "kubectl") -> None:
        body = {"spec": {"replicas": replicas}}
        self.api.send("PATCH", f"{self.path(resource)}/scale", body, MERGE, fieldManager=manager)

    def apply(self, resource: str, body: Mapping[str, Any], manager: str) -> None:
        """Server-side, taking over what others own."""
        self.api.send("PATCH", self.path(resource), json.dumps(body), APPLY, fieldManager=manager, force="true")

    def create(self, resource: str, body: Mapping[str, Any]) -> None:
        name = resource.rpartition("/")[2]
        item = {**body, "metadata": {"name": name, **body.get("metadata", {})}}
        self.api.send("POST", self.path(resource).rpartition("/")[0], item, fieldManager="kubectl-create")

    def delete(self, resource: str) -> None:
        self.api.send("DELETE", self.path(resource), propagationPolicy="Background")

    def is_there(self, resource: str) -> bool:
        try:
            self.get(resource)
        except ApiException as error:
            assert error.status == 404
            return False
        return True


def container(name: str, **fields: Any) -> dict[str, Any]:
    """A patch of one container of a pod template."""
    return pod({"containers": [{"name": name, **fields}]})


def pod(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A patch of a pod template's spec."""
    return {"spec": {"template": {"spec": dict(spec)}}}
