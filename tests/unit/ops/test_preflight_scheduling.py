"""Checks `gpu` and `capacity`."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight_checks.findings import CouldNotTellError, Result
from ops.preflight_checks.manifests import pods_of
from ops.preflight_checks.scheduling import capacity, gpu, is_device
from ops.preflight_checks.view import Unreadable
from tests.unit.ops.preflight_views import container, failed, named, node, pod, release, texts, view, workload

SELECTOR = {"nvidia.com/gpu.present": "true"}


def ollama(gpus: int = 1, replicas: int = 1, **spec: Any) -> dict[str, Any]:
    asked = container("ollama", {"nvidia.com/gpu": str(gpus)}, cpu="4", memory="16Gi")
    return workload(replicas=replicas, containers=[asked], **spec)


def gpu_node(**amounts: str) -> dict[str, Any]:
    return node("gpu-node", SELECTOR, **{"gpu": "4", **amounts})


def test_a_gpu_that_is_free_is_enough() -> None:
    on: dict[str, Any] = {"nodes": [node(), gpu_node()]}
    (said,) = gpu(view(ollama(nodeSelector=SELECTOR), answers=on, used={"gpu-node": [pod(gpu="3")]}))
    assert (said.result, said.text) == (Result.OK, "Deployment ollama: nvidia.com/gpu >= 1 is free on gpu-node")


def test_a_failure_names_what_is_needed_what_was_found_on_each_node_and_what_to_do() -> None:
    on: dict[str, Any] = {"nodes": [node(), gpu_node()]}
    (said,) = gpu(view(ollama(nodeSelector=SELECTOR), answers=on, used={"gpu-node": [pod(gpu="4")]}))
    assert said.result is Result.FAILED
    assert said.text == (
        'Deployment ollama: no node with free nvidia.com/gpu >= 1 matches {nvidia.com/gpu.present: "true"}: '
        "gpu-node: nvidia.com/gpu: 1 asked, 0 free of 4 in all; "
        "node: no label nvidia.com/gpu.present=true, no nvidia.com/gpu"
    )
    for setting in ("ollama.gpu.count", "ollama.nodeSelector", "ollama.tolerations", "preflight.off.gpu"):
        assert setting in said.cure


def test_a_release_without_such_settings_is_not_told_of_them() -> None:
    (said,) = gpu(view(ollama(), of=release("librechat"), answers={"nodes": [node()]}))
    assert "ollama." not in said.cure and "librechat.gpu" not in said.cure


def test_a_gpu_is_looked_for_whatever_its_memory_has_left() -> None:
    crowded = view(ollama(), answers={"nodes": [gpu_node()]}, used={"gpu-node": [pod(memory="30Gi")]})
    assert not failed(list(gpu(crowded)))
    (text,) = failed(list(capacity(crowded)))
    assert text == (
        "Deployment ollama: no node takes a pod that asks for cpu 4, memory 16Gi, nvidia.com/gpu 1: "
        "gpu-node: memory: 16Gi asked, 2Gi free of 32Gi in all"
    )


def test_replicas_need_their_gpus_together() -> None:
    on: dict[str, Any] = {"answers": {"nodes": [gpu_node()]}, "used": {"gpu-node": [pod(gpu="2")]}}
    assert not failed(list(gpu(view(ollama(replicas=2), **on))))
    (text,) = failed(list(gpu(view(ollama(replicas=3), **on))))
    assert text == "Deployment ollama: there is no room for 3 pods with nvidia.com/gpu >= 1 each on gpu-node"


def test_capacity_leaves_it_to_gpu_where_no_node_has_the_devices() -> None:
    lost = view(ollama(8), workload(name="side"), answers={"nodes": [gpu_node()]}, used={"gpu-node": []})
    said = list(capacity(lost))
    assert texts(said, Result.UNKNOWN) == [
        "Deployment ollama: not looked at, since no node has the devices that it asks for"
    ]
    assert texts(said, Result.OK) == ["there is room for Deployment side (no requests)"]
    switched_off = view(ollama(8), answers={"nodes": [gpu_node()]}, used={"gpu-node": []}, off={"gpu"})
    assert [item.result for item in capacity(switched_off)] == [Result.OK]


def test_no_gpu_is_asked_for_and_no_node_may_be_read() -> None:
    blind = view(workload(), answers={"nodes": Unreadable("not allowed")})
    assert texts(list(gpu(blind)), Result.OK) == ["no GPU is asked for"]
    with pytest.raises(CouldNotTellError, match="the cluster's nodes can't be read: not allowed"):
        list(capacity(blind))


def test_a_node_whose_pods_may_not_be_listed_leaves_it_open() -> None:
    on: dict[str, Any] = {"answers": {"nodes": [gpu_node()]}, "used": {"gpu-node": Unreadable("not allowed")}}
    (said,) = gpu(view(ollama(), **on))
    assert (said.result, said.text) == (
        Result.UNKNOWN,
        "Deployment ollama: whether nvidia.com/gpu >= 1 is free on gpu-node can't be told",
    )
    (said,) = capacity(view(ollama(), **on))
    assert said.result is Result.UNKNOWN
    assert failed(list(gpu(view(ollama(5), **on)))), "more than the whole node has is told all the same"


def test_a_runtime_class_has_to_be_there_and_its_nodes_count() -> None:
    asked = ollama(runtimeClassName="nvidia")
    on: dict[str, Any] = {"nodes": [gpu_node()], "runtimeclasses": [named("gvisor")]}
    (text,) = failed(list(gpu(view(asked, answers=on, used={"gpu-node": []}))))
    assert text.startswith("Deployment ollama asks for the RuntimeClass nvidia, which is not there; there is: gvisor")
    on["runtimeclasses"] = [named("nvidia", scheduling={"nodeSelector": {"pool": "gpu"}})]
    (text,) = failed(list(gpu(view(asked, answers=on, used={"gpu-node": []}))))
    assert "gpu-node: no label pool=gpu" in text


def test_what_a_limit_range_gives_to_a_container_counts() -> None:
    given = {"type": "Container", "default": {"memory": "40Gi"}, "defaultRequest": {"memory": "40Gi"}}
    on: dict[str, Any] = {"nodes": [node()], "limitranges": [named("bounds", spec={"limits": [given]})]}
    (text,) = failed(list(capacity(view(workload(), answers=on, used={"node": []}))))
    assert "memory: 40Gi asked, 0 free" not in text and "node: memory: 40Gi asked, 32Gi free of 32Gi in all" in text


def test_pods_that_fit_each_have_to_fit_together() -> None:
    pods = [workload(name=name, containers=[container(cpu="5")]) for name in ("a", "b")]
    on: dict[str, Any] = {"answers": {"nodes": [node("one"), node("two")]}, "used": {"one": [], "two": []}}
    (said,) = capacity(view(*pods, **on))
    assert (said.result, said.text) == (Result.OK, "there is room for Deployment a (cpu 5), Deployment b (cpu 5)")
    full: dict[str, Any] = {**on, "used": {"one": [], "two": [pod(cpu="4")]}}
    (text,) = failed(list(capacity(view(*pods, **full))))
    assert text == "the nodes have no room for all pods together: Deployment a (cpu 5), Deployment b (cpu 5)"


def test_what_the_releases_before_take_is_not_free_any_more() -> None:
    before = pods_of([workload(name="first", containers=[container(cpu="5")])])
    on: dict[str, Any] = {"answers": {"nodes": [node()]}, "used": {"node": []}, "before": before}
    (text,) = failed(list(capacity(view(workload(containers=[container(cpu="5")]), **on))))
    assert text.startswith("the nodes have no room for all pods together beside the releases before it: ")
    (said,) = capacity(view(workload(containers=[container(cpu="3")]), **on))
    assert said.text == "there is room beside the releases before it for Deployment ollama (cpu 3)"


def test_a_release_before_that_has_no_room_itself_is_not_counted_twice() -> None:
    before = pods_of([workload(name="first", replicas=2, containers=[container(cpu="5")])])
    on: dict[str, Any] = {"answers": {"nodes": [node()]}, "used": {"node": []}, "before": before}
    (said,) = capacity(view(workload(containers=[container(cpu="5")]), **on))
    assert said.result is Result.OK


def test_a_cluster_without_nodes_is_said_to_have_none() -> None:
    assert failed(list(gpu(view(ollama()))))[0].endswith(": the cluster has no node")
    assert failed(list(capacity(view(workload()))))[0].endswith(": the cluster has no node")


@pytest.mark.parametrize(
    ("resource", "device"),
    [
        ("nvidia.com/gpu", True),
        ("amd.com/gpu", True),
        ("gpu.intel.com/i915", True),
        ("cpu", False),
        ("hugepages-2Mi", False),
        ("attachable-volumes.kubernetes.io/disks", False),
    ],
)
def test_a_device_is_a_resource_of_a_domain_that_is_not_kubernetes(resource: str, device: bool) -> None:
    assert is_device(resource) is device
