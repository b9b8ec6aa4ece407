"""Small things to create on a cluster, to wait for and to ask."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import uuid4

import yaml
from kubernetes.client import ApiClient, AppsV1Api, BatchV1Api, CoreV1Api

from local.cluster import LocalCluster

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


def restricted_pod(name: str, **container: Any) -> dict[str, Any]:
    """A pod that the restricted level lets in."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    main = {"name": "main", "image": "none.invalid/none", "securityContext": context, **container}
    return {
        "metadata": {"name": name},
        "spec": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [main]},
    }


def is_ready(pod: Any) -> bool:
    return ("Ready", "True") in [(found.type, found.status) for found in pod.status.conditions or []]


def read_pod(api: ApiClient, name: str) -> Any:
    return CoreV1Api(api).read_namespaced_pod(name, "default")


def list_pods(api: ApiClient, namespace: str = "default") -> list[Any]:
    return list(CoreV1Api(api).list_namespaced_pod(namespace).items)


def restart(api: ApiClient, namespaces: Iterable[str], *kinds: Literal["deployment", "stateful_set"]) -> None:
    """Let every workload of the kinds replace all of its pods, all at the same time; wait until that is done."""
    apps: Any = AppsV1Api(api)
    patch = {"spec": {"template": {"metadata": {"annotations": {"private-chatgpt.test/restarted": str(uuid4())}}}}}
    places = [(kind, namespace) for kind in kinds for namespace in namespaces]

    def workloads() -> list[tuple[str, Any]]:
        listed = [(kind, getattr(apps, f"list_namespaced_{kind}")(namespace)) for kind, namespace in places]
        return [(kind, workload) for kind, found in listed for workload in found.items]

    def done(workload: Any) -> bool:
        status, wanted = workload.status, workload.spec.replicas
        seen = status.observed_generation == workload.metadata.generation
        return seen and (status.updated_replicas, status.ready_replicas, status.replicas) == (wanted,) * 3

    before = workloads()
    assert {kind for kind, _ in before} == set(kinds)
    for kind, workload in before:
        getattr(apps, f"patch_namespaced_{kind}")(workload.metadata.name, workload.metadata.namespace, patch)
    eventually(lambda: all(done(workload) for _, workload in workloads()), 90)


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


class Revision(NamedTuple):
    """When an object of a cluster was made and last changed, in the one order of all of the cluster's writes."""

    created: int
    changed: int


RESTLESS = ("events", "leases", "peerserverleases", "minions")
"""What a cluster writes by itself, without anybody changing anything (minions are nodes)."""


def stored(cluster: LocalCluster) -> dict[str, Revision]:
    """Every object that the API server keeps, by `<resource>/<namespace>/<name>`, but those that are RESTLESS.

    Asked of the cluster's etcd: it knows every kind, and creationTimestamp has a resolution of a second only.
    """
    prefix = f"/{cluster.name}/"
    found = {
        _decoded(item["key"]).removeprefix(prefix): Revision(int(item["create_revision"]), int(item["mod_revision"]))
        for item in _etcd(cluster, keys_only=True)
    }
    return {key: revision for key, revision in found.items() if key.split("/")[0] not in RESTLESS}


def unchanged(read: Callable[[], T], seconds: float) -> T | None:
    """What was read, where it is the same that many seconds later."""
    before = read()
    time.sleep(seconds)
    return before if read() == before else None


def at_rest(cluster: LocalCluster) -> dict[str, Revision]:
    """The stored objects once controllers have written what they had to write: none of them changed for a second."""
    return eventually(lambda: unchanged(lambda: stored(cluster), 1), 30)


def stored_in(cluster: LocalCluster, namespace: str) -> dict[str, Revision]:
    """Those of the stored objects that are in the namespace, and the namespace itself."""
    return {
        key: revision
        for key, revision in stored(cluster).items()
        if f"/{namespace}/" in key or key == f"namespaces/{namespace}"
    }


def stored_bytes(cluster: LocalCluster) -> dict[str, bytes]:
    """Every object that the API server keeps, events too, as it is written to disk: text stands in it as it is."""
    prefix = f"/{cluster.name}/"
    return {
        _decoded(item["key"]).removeprefix(prefix): base64.b64decode(item["value"])
        for item in _etcd(cluster, keys_only=False)
    }


def _etcd(cluster: LocalCluster, *, keys_only: bool) -> list[dict[str, str]]:
    options = yaml.safe_load((cluster.directory / "cluster" / "kwokctl.yaml").read_text())["options"]
    first = f"/{cluster.name}/".encode()
    query = {
        "key": base64.b64encode(first).decode(),
        "range_end": base64.b64encode(first[:-1] + b"0").decode(),  # "0" follows "/": everything below the prefix
        "keys_only": keys_only,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{options['etcdPort']}/v3/kv/range", data=json.dumps(query).encode()
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        kvs: list[dict[str, str]] = json.load(answer)["kvs"]
    return kvs


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
