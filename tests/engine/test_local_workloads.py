"""The local cluster treats workloads like a cluster, though no container runs."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiClient, ApiException, CoreV1Api

from tests.engine.kube import (
    create_claim,
    create_pod,
    empty_default_namespace,
    eventually,
    list_pods,
    read_pod,
    volume_paths,
)

GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(autouse=True)
def nothing_stays(api: ApiClient) -> Iterator[None]:
    yield
    empty_default_namespace(api)


def test_a_pod_becomes_ready_on_the_cpu_node(api: ApiClient) -> None:
    pod = create_pod(api, "plain")
    assert pod.spec.node_name == "cpu-node"


def test_a_gpu_pod_becomes_ready_on_the_gpu_node(api: ApiClient) -> None:
    pod = create_pod(
        api,
        "gpu",
        tolerations=[GPU_TOLERATION],
        nodeSelector={"nvidia.com/gpu.present": "true"},
        runtimeClassName="nvidia",
        gpus=1,
    )
    assert pod.spec.node_name == "gpu-node"


def test_a_gpu_pod_without_a_toleration_is_not_scheduled(api: ApiClient) -> None:
    create_pod(api, "intolerant", gpus=1, wait=False)

    def why() -> str | None:
        conditions = read_pod(api, "intolerant").status.conditions or []
        return next((found.message for found in conditions if found.reason == "Unschedulable"), None)

    assert "untolerated taint" in eventually(why)


def test_a_pod_that_names_an_unknown_runtime_class_is_refused(api: ApiClient) -> None:
    with pytest.raises(ApiException, match=r"RuntimeClass .+no-such-class.+ not found"):
        create_pod(api, "classless", runtimeClassName="no-such-class")


def test_a_deleted_pod_goes_away(api: ApiClient) -> None:
    create_pod(api, "short-lived")
    CoreV1Api(api).delete_namespaced_pod("short-lived", "default")
    eventually(lambda: "short-lived" not in [pod.metadata.name for pod in list_pods(api)])


def test_a_job_completes(api: ApiClient) -> None:
    batch = client.BatchV1Api(api)
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none.invalid/none"}]}}
    body: Any = {"metadata": {"name": "job"}, "spec": {"template": template}}
    batch.create_namespaced_job("default", body)

    def job() -> Any:
        return batch.read_namespaced_job("job", "default")

    eventually(lambda: job().status.succeeded == 1)


def test_a_claim_is_bound_and_its_volume_goes_with_it(api: ApiClient) -> None:
    core = CoreV1Api(api)
    folder = create_claim(api, "data")
    core.delete_namespaced_persistent_volume_claim("data", "default")
    eventually(lambda: str(folder) not in volume_paths(api))
    assert not folder.exists()
