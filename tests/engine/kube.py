"""Small things to create on a cluster and to wait for."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kubernetes.client import ApiClient, BatchV1Api, CoreV1Api

T = TypeVar("T")


def eventually(found: Callable[[], T | None], seconds: float = 20) -> T:
    """The first truthy result; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"still {result!r} after {seconds} s"
        time.sleep(0.1)
    return result


def create_pod(api: ApiClient, name: str, *, gpus: int = 0, wait: bool = True, **spec: Any) -> Any:
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    containers = [{"name": "main", "image": "none.invalid/none", "resources": resources}]
    pod: Any = {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}
    CoreV1Api(api).create_namespaced_pod("default", pod)
    if wait:
        eventually(lambda: is_ready(read_pod(api, name)))
    return read_pod(api, name)


def is_ready(pod: Any) -> bool:
    return ("Ready", "True") in [(found.type, found.status) for found in pod.status.conditions or []]


def read_pod(api: ApiClient, name: str) -> Any:
    return CoreV1Api(api).read_namespaced_pod(name, "default")


def list_pods(api: ApiClient) -> list[Any]:
    return list(CoreV1Api(api).list_namespaced_pod("default").items)


def config_maps(api: ApiClient) -> list[Any]:
    return list(CoreV1Api(api).list_namespaced_config_map("default").items)


def create_claim(api: ApiClient, name: str) -> Path:
    """Create a claim, wait until it is bound, and return the folder of its volume."""
    core = CoreV1Api(api)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body: Any = {"metadata": {"name": name}, "spec": spec}
    core.create_namespaced_persistent_volume_claim("default", body)

    def claim() -> Any:
        return core.read_namespaced_persistent_volume_claim(name, "default")

    eventually(lambda: claim().status.phase == "Bound")
    volume: Any = core.read_persistent_volume(claim().spec.volume_name)
    folder = Path(volume.spec.host_path.path)
    assert folder.is_dir()
    return folder


def volume_paths(api: ApiClient) -> set[str]:
    """Folders of all persistent volumes."""
    volumes: list[Any] = CoreV1Api(api).list_persistent_volume().items
    return {volume.spec.host_path.path for volume in volumes}


def empty_default_namespace(api: ApiClient) -> None:
    """Delete what create_pod, create_claim and jobs left in the namespace `default`."""
    BatchV1Api(api).delete_collection_namespaced_job("default", propagation_policy="Background")
    CoreV1Api(api).delete_collection_namespaced_pod("default")
    CoreV1Api(api).delete_collection_namespaced_persistent_volume_claim("default")
