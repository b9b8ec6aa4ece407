"""What a local cluster holds besides its control plane: simulated nodes and the classes that workloads name."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.utils import FailToCreateError, create_from_dict
from urllib3.exceptions import HTTPError

MANIFESTS = Path(__file__).parent / "manifests"
CPU_NODE = "cpu-node"
GPU_NODE = "gpu-node"
REQUEST_TIMEOUT = 15  # seconds: an API server that starts on a busy machine may need some for one answer
API_ERRORS = (client.ApiException, HTTPError)


@contextmanager
def connect(kubeconfig: Path) -> Iterator[client.ApiClient]:
    """An API client for the only context of `kubeconfig`; no other kubeconfig and no proxy is looked at."""
    configuration = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(kubeconfig), client_configuration=configuration
    )
    configuration.proxy = None
    # urllib3 would repeat a refused connection three times, each with a line on screen. The caller polls.
    configuration.retries = False
    with client.ApiClient(configuration) as api:
        yield api


def is_served(api: client.ApiClient) -> bool:
    """Whether the API server answers that it is ready."""
    try:
        answer = api.call_api("GET", f"{api.configuration.host}/readyz", _request_timeout=REQUEST_TIMEOUT)
    except API_ERRORS:
        return False
    return bool(answer.status == HTTPStatus.OK)


def fill(api: client.ApiClient, *, gpu: bool) -> None:
    """Create what is missing of the nodes and classes; without `gpu` there is no GPU node afterwards.

    Raises one of API_ERRORS, as pending() does.
    """
    for file in ("classes", CPU_NODE, *([GPU_NODE] if gpu else [])):
        for manifest in yaml.safe_load_all((MANIFESTS / f"{file}.yaml").read_text()):
            _create_if_missing(api, manifest)
    if not gpu:
        _delete_if_there(api, GPU_NODE)


def pending(api: client.ApiClient) -> str | None:
    """What a first pod would still have to wait for, in words; None when it can be scheduled and started."""
    core = client.CoreV1Api(api)
    nodes: list[Any] = core.list_node(_request_timeout=REQUEST_TIMEOUT).items
    for node in nodes:
        ready = any((found.type, found.status) == ("Ready", "True") for found in node.status.conditions or [])
        # The taint outlives the condition by a moment, and it is the taint that the scheduler looks at.
        tainted = any(taint.key == "node.kubernetes.io/not-ready" for taint in node.spec.taints or [])
        if tainted or not ready:
            return f"node {node.metadata.name} to become ready"
    if not core.list_namespaced_service_account("default", _request_timeout=REQUEST_TIMEOUT).items:
        return "the default service account"
    return None


def add_node(api: client.ApiClient, name: str, gpus: int = 0) -> None:
    """One more simulated node, beside those of every local cluster; with GPUs it is labelled, but not tainted.

    Raises FailToCreateError where there is one of that name.
    """
    amounts = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "2Ti", "pods": "110"}
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    if gpus:
        amounts["nvidia.com/gpu"], labels["nvidia.com/gpu.present"] = str(gpus), "true"
    manifest = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": labels},
        "status": {"capacity": amounts, "allocatable": amounts},
    }
    create_from_dict(api, manifest, _request_timeout=REQUEST_TIMEOUT)  # type: ignore[no-untyped-call]


def _create_if_missing(api: client.ApiClient, manifest: dict[str, Any]) -> None:
    try:
        create_from_dict(api, manifest, _request_timeout=REQUEST_TIMEOUT)  # type: ignore[no-untyped-call]
    except FailToCreateError as error:
        for cause in error.api_exceptions:
            if cause.status != HTTPStatus.CONFLICT:
                raise cause from error


def _delete_if_there(api: client.ApiClient, node: str) -> None:
    try:
        client.CoreV1Api(api).delete_node(node, _request_timeout=REQUEST_TIMEOUT)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
