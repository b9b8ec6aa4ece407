"""A node whose kubelet the test plays: kwok leaves it alone, so nothing gets ready there unless the test says so.

kwok makes every pod Ready at once, and can't fail to pull an image. Here pods are real objects that the real scheduler
has placed; their status and events are written through the API server as a kubelet writes them, and logs come through
the API server from a server of the test's own.
"""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kubernetes.client import ApiClient, ApiException, CoordinationV1Api, CoreV1Api

from local.cluster import LocalCluster
from tests.engine.kube import eventually

LABEL = "private-chatgpt.test/kubelet"
CAPACITY = {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "100Gi", "pods": "110"}


@dataclass(frozen=True)
class PlayedNode:
    """One such node; `selector` and `tolerations` lead pods to it."""

    name: str
    api: ApiClient
    logs: dict[str, str] = field(default_factory=dict)
    """`<pod>/<container>` and `<pod>/<container>/previous` → text of the log."""

    @property
    def selector(self) -> dict[str, str]:
        """The labels that no other node has."""
        return {LABEL: self.name}

    @property
    def tolerations(self) -> list[dict[str, str]]:
        """What lets pods onto it: those of other tests stay away."""
        return [{"key": LABEL, "operator": "Exists", "effect": "NoSchedule"}]

    def pod(self, namespace: str) -> Any:
        """The pod of the namespace that has been given to this node, as soon as there is one."""

        def given() -> Any:
            pods: list[Any] = CoreV1Api(self.api).list_namespaced_pod(namespace).items
            return next(
                (pod for pod in pods if pod.spec.node_name == self.name and not pod.metadata.deletion_timestamp), None
            )

        return eventually(given, 90)

    def report(self, pod: Any, phase: str, state: Mapping[str, Any], **status: Any) -> None:
        """Write the status of a pod's only container, which is not ready."""
        container = pod.spec.containers[0]
        found = {"name": container.name, "image": container.image, "imageID": "", "ready": False, "restartCount": 0}
        conditions = [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}]
        body: Any = {
            "status": {
                "phase": phase,
                "conditions": conditions,
                "containerStatuses": [{**found, "state": state, **status}],
            }
        }
        CoreV1Api(self.api).patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, body)

    def tell(self, pod: Any, reason: str, message: str, type_: str = "Warning") -> None:
        """Write an event of a pod."""
        now = datetime.now(UTC)
        body: Any = {
            "metadata": {"generateName": f"{pod.metadata.name}."},
            "involvedObject": {
                "kind": "Pod",
                "namespace": pod.metadata.namespace,
                "name": pod.metadata.name,
                "uid": pod.metadata.uid,
                "fieldPath": f"spec.containers{{{pod.spec.containers[0].name}}}",
            },
            "reason": reason,
            "message": message,
            "type": type_,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": "kubelet", "host": self.name},
        }
        CoreV1Api(self.api).create_namespaced_event(pod.metadata.namespace, body)

    def is_to_end(self, pod: Any) -> bool:
        """Whether a pod is being deleted."""
        found: Any = CoreV1Api(self.api).read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
        return found.metadata.deletion_timestamp is not None

    def end(self, pod: Any) -> None:
        """What a kubelet does when a pod that is being deleted has ended."""
        CoreV1Api(self.api).delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)


@contextmanager
def played_node(cluster: LocalCluster, api: ApiClient, name: str = "played-node") -> Iterator[PlayedNode]:
    """A Ready node that kwok doesn't manage, and a server that has its logs."""
    node = PlayedNode(name, api)
    with _kubelet(cluster, node.logs) as port:
        _hold_lease(api, name)
        _create(api, node, port)
        try:
            yield node
        finally:
            CoreV1Api(api).delete_node(name)
            CoordinationV1Api(api).delete_namespaced_lease(name, "kube-node-lease")
            # Else the cluster takes them away 40 to 80 s later (PodGC), in the midst of another test.
            left: Any = CoreV1Api(api).list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}")
            for pod in left.items:
                with suppress(ApiException):
                    node.end(pod)


def _hold_lease(api: ApiClient, name: str) -> None:
    """Without a lease that is renewed, a node is soon said to be away."""
    spec = {"holderIdentity": "the test", "leaseDurationSeconds": 3600, "renewTime": datetime.now(UTC)}
    body: Any = {"metadata": {"name": name}, "spec": spec}
    CoordinationV1Api(api).create_namespaced_lease("kube-node-lease", body)


def _create(api: ApiClient, node: PlayedNode, port: int) -> None:
    core = CoreV1Api(api)
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", **node.selector}
    taints = [{"key": LABEL, "effect": "NoSchedule"}]
    body: Any = {"metadata": {"name": node.name, "labels": labels}, "spec": {"taints": taints}}
    core.create_node(body)
    status: Any = {
        "status": {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "played by a test"}
            ],
        }
    }
    core.patch_node_status(node.name, status)

    def taken() -> bool:
        found: Any = core.read_node(node.name)
        return not any(taint.key == "node.kubernetes.io/not-ready" for taint in found.spec.taints or [])

    eventually(taken)


@contextmanager
def _kubelet(cluster: LocalCluster, logs: Mapping[str, str]) -> Iterator[int]:
    """Serves /containerLogs/<namespace>/<pod>/<container> to the API server, over TLS and on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            key = "/".join(path.split("/")[3:]) + ("/previous" if "previous=true" in query else "")
            text = logs.get(key)
            self.send_response(200 if text is not None else 404)
            self.end_headers()
            lines = (text or "").splitlines(keepends=True)
            count = next((int(part[10:]) for part in query.split("&") if part.startswith("tailLines=")), len(lines))
            self.wfile.write("".join(lines[-count:]).encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pki = cluster.directory / "cluster" / ".kwok" / "clusters" / cluster.name / "pki"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
