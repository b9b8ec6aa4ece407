"""Programs of a local cluster that die, and are started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from kubernetes.client import ApiException, CoreV1Api
from urllib3.exceptions import HTTPError

from local import cluster as local_cluster
from local.cluster import LocalCluster
from local.contents import connect
from local.control_plane import ControlPlane, find_programs
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.reading import Api, Deadline, path_of, read_kinds
from tests.engine.kube import eventually

API_SERVER, ETCD = "kube-apiserver", "etcd"
WOKEN = "private-chatgpt.test/woken"


def plane_of(cluster: LocalCluster) -> ControlPlane:
    """The programs of the cluster."""
    return ControlPlane(home=cluster.directory / "cluster", name=cluster.name)


def strike(cluster: LocalCluster, component: str) -> None:
    """Kill one program of the cluster without any warning, and wait until it is gone."""
    plane = plane_of(cluster)
    os.kill(plane.running()[component], signal.SIGKILL)
    eventually(lambda: component not in plane.running())


def stand_up(cluster: LocalCluster) -> None:
    """Start what is dead of the cluster; returns once every kind is served and pods are played again."""
    plane_of(cluster).start_missing(find_programs())
    eventually(lambda: local_cluster.status(cluster.directory) == "running", 60)
    eventually(lambda: _serves_every_kind(cluster), 60)
    _wake_pods(cluster)


def _serves_every_kind(cluster: LocalCluster) -> bool:
    """Whether all kinds can be listed: of each the API server asks etcd by a client of its own, that waits by itself.

    (Kubernetes 1.36.3, read 2026-11-22: what /readyz tells of are two others.)
    """
    with connect(cluster.kubeconfig) as client:
        api = Api(client, Deadline.after(60))
        try:
            for (version, kind), served in read_kinds(api).items():
                with suppress_status(HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):  # It can only be created.
                    api.get(path_of(Ref(version, kind, "", ""), served).rstrip("/"), limit="1")
        except (ApiException, HTTPError, OSError):
            return False
    return True


def _wake_pods(cluster: LocalCluster) -> None:
    """Let the simulated nodes look at pods again whose status they could not write: a kubelet tries until it can.

    kwok 0.8.0 tries again only where the API server refused the connection or said that it was busy, and not where the
    answer broke off or etcd's did (controllers/utils.go, shouldRetry; seen 2026-11-22). It looks again at what changes.
    """
    body = {"metadata": {"annotations": {WOKEN: str(time.time_ns())}}}
    with connect(cluster.kubeconfig) as api:
        core = CoreV1Api(api)
        pods: list[Any] = core.list_pod_for_all_namespaces().items
        for pod in pods:
            with suppress_status(HTTPStatus.NOT_FOUND):  # It may be gone by now.
                core.patch_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body)


@contextmanager
def suppress_status(*statuses: HTTPStatus) -> Iterator[None]:
    """Let the API server answer with one of these."""
    try:
        yield
    except ApiException as error:
        if error.status not in statuses:
            raise


@contextmanager
def without(cluster: LocalCluster, component: str) -> Iterator[None]:
    """The cluster while one of its programs is dead."""
    strike(cluster, component)
    try:
        yield
    finally:
        stand_up(cluster)
