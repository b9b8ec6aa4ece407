"""Nodes that go: to drain as `kubectl drain` does, to lose; and who is ready meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kubernetes import watch
from kubernetes.client import ApiClient, ApiException, CoreV1Api

from tests.engine.kube import is_ready

BEYOND_BUDGET = 429


def cordon(api: ApiClient, nodes: Sequence[str], *, on: bool = True) -> None:
    """Let no pod, or again any, come to the nodes."""
    for node in nodes:
        CoreV1Api(api).patch_node(node, {"spec": {"unschedulable": on}})


def evict(api: ApiClient, pod: Any) -> bool:
    """Ask for a pod to go; whether its budget lets it."""
    metadata = {"name": pod.metadata.name, "namespace": pod.metadata.namespace}
    body: Any = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    try:
        CoreV1Api(api).create_namespaced_pod_eviction(pod.metadata.name, pod.metadata.namespace, body)
    except ApiException as error:
        if error.status not in (BEYOND_BUDGET, 404):
            raise
        return bool(error.status == 404)
    return True


def drain(api: ApiClient, node: str, namespaces: Sequence[str]) -> int:
    """Cordon a node and evict its pods, each as soon as its budget lets it; returns how often one was refused.

    A pod of a StatefulSet that comes back at once may be taken for the one that is to go, under the same name: for two
    minutes then the budget lets nothing else go (DeletionTimeout of the disruption controller, Kubernetes 1.36.3, read
    2026-11-22).
    """
    cordon(api, [node])
    refused, until = 0, time.monotonic() + 180
    while left := [pod for pod in all_pods(api, namespaces) if pod.spec.node_name == node]:
        assert time.monotonic() < until, f"not drained: {[pod.metadata.name for pod in left]}"
        refused += sum(not evict(api, pod) for pod in left if not pod.metadata.deletion_timestamp)
        time.sleep(0.1)
    return refused


def all_pods(api: ApiClient, namespaces: Sequence[str]) -> list[Any]:
    """The pods of all the namespaces."""
    return [pod for each in namespaces for pod in CoreV1Api(api).list_namespaced_pod(each).items]


def ready(api: ApiClient, namespaces: Sequence[str]) -> Counter[str]:
    """How many pods of each app are ready, on nodes that are there."""
    listed: Any = CoreV1Api(api).list_node()
    nodes = {node.metadata.name for node in listed.items}
    return _counted((pod for pod in all_pods(api, namespaces) if pod.spec.node_name in nodes), namespaces)


@contextmanager
def lowest(api: ApiClient, namespaces: Sequence[str]) -> Iterator[Counter[str]]:
    """The least of each app's pods that were ready at any moment of the block; filled in at its end.

    From the API server's own history of every change, so that no moment is missed.
    """
    core = CoreV1Api(api)
    listed: Any = core.list_pod_for_all_namespaces()
    pods = {pod.metadata.uid: pod for pod in listed.items}
    found = _counted(pods.values(), namespaces)
    yield found
    changes = 0
    history: Any = watch.Watch().stream(  # type: ignore[no-untyped-call]
        core.list_pod_for_all_namespaces, resource_version=listed.metadata.resource_version, timeout_seconds=2
    )
    for event in history:
        pod: Any = event["object"]
        pods[pod.metadata.uid] = pod
        if event["type"] == "DELETED":
            del pods[pod.metadata.uid]
        now = _counted(pods.values(), namespaces)
        for app in found:
            found[app] = min(found[app], now[app])
        changes += 1
    assert changes, "no pod changed"


def _counted(pods: Iterable[Any], namespaces: Sequence[str]) -> Counter[str]:
    return Counter(
        pod.metadata.labels["app.kubernetes.io/name"]
        for pod in pods
        if pod.metadata.namespace in namespaces and is_ready(pod) and not pod.metadata.deletion_timestamp
    )
