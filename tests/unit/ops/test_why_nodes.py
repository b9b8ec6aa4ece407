"""What each node lacks to take a pod."""

from typing import Any

import pytest

from ops.diagnosis.nodes import lacks, lacks_by_node, nearest, requests
from tests.unit.ops.why_objects import node

GPU_POD: dict[str, Any] = {
    "nodeSelector": {"nvidia.com/gpu.present": "true"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2"}, "requests": {"memory": "8Gi"}}}],
}
GPU_NODE = node(
    "gpu",
    labels={"nvidia.com/gpu.present": "true"},
    taints=[{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
    allocatable={"nvidia.com/gpu": "4"},
)


def running(**resources: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "resources": {"requests": resources}}]}, "status": {}}


def test_a_node_that_fits_lacks_nothing() -> None:
    assert list(lacks(GPU_POD, GPU_NODE, [])) == []


def test_what_is_in_use_is_not_free() -> None:
    taken = [running(**{"nvidia.com/gpu": "3", "memory": "10Gi"}), running(memory="500Mi")]
    assert [lack.text for lack in lacks(GPU_POD, GPU_NODE, taken)] == [
        "nvidia.com/gpu 2 asked, 1 of 4 free",
        "memory 8Gi asked, 5.51Gi of 16Gi free",
    ]
    ended = [{**pod, "status": {"phase": "Succeeded"}} for pod in taken]
    assert list(lacks(GPU_POD, GPU_NODE, ended)) == []


def test_a_full_node_takes_no_pod() -> None:
    small = node("small", allocatable={"pods": "1"})
    assert [lack.text for lack in lacks({}, small, [running()])] == ["pods 1 asked, 0 of 1 free"]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (node("n", unschedulable=True), "is cordoned"),
        (node("n", labels={"zone": "b"}), "no label zone=a (has zone=b)"),
        (node("n"), "no label zone=a"),
        (
            node("n", labels={"zone": "a"}, taints=[{"key": "k", "value": "v", "effect": "NoExecute"}]),
            "taint k=v:NoExecute is not tolerated",
        ),
    ],
)
def test_each_kind_of_lack_is_named(other: Any, text: str) -> None:
    assert text in [lack.text for lack in lacks({"nodeSelector": {"zone": "a"}}, other, [])]


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_taint_is_tolerated_as_the_scheduler_does_it(toleration: Any, tolerated: bool) -> None:
    tainted = node("n", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
    assert (list(lacks({"tolerations": [toleration]}, tainted, [])) == []) is tolerated
    preferred = node("n", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert list(lacks({}, preferred, [])) == []


def test_a_node_that_is_not_ready_says_so_once() -> None:
    away: Any = node("n", taints=[{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}])
    away["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    assert [lack.text for lack in lacks({}, away, [])] == ["is not Ready"]


def test_requests_are_the_sum_of_containers_or_the_largest_init_container_and_a_limit_stands_in_for_a_request() -> None:
    spec = {
        "containers": [
            {"name": "a", "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "2", "memory": "1Gi"}}},
            {"name": "b", "resources": {"requests": {"cpu": "1"}}},
        ],
        "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "100m", "memory": "3Gi"}}}],
        "overhead": {"cpu": "250m"},
    }
    assert {key: str(amount) for key, amount in requests(spec).items()} == {"cpu": "1.750", "memory": str(3 * 2**30)}


def test_nodes_that_lack_the_same_share_a_line_and_many_lines_are_cut() -> None:
    same = [node(f"n{number}") for number in range(5)]
    assert lacks_by_node({"nodeSelector": {"a": "b"}}, same, {}) == ["n0, n1 and 3 more nodes: no label a=b"]
    different = [node(f"n{number}", labels={"a": str(number)}) for number in range(9)]
    lines = lacks_by_node({"nodeSelector": {"a": "b"}}, different, {})
    assert len(lines) == 7
    assert lines[-1] == "and 3 more nodes"


def test_the_nearest_node_tells_what_to_do() -> None:
    cpu = node("cpu")
    too_many: Any = {**GPU_POD, "containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]}
    assert [lack.kind for lack in nearest(too_many, [cpu, GPU_NODE], {})] == ["resource"]
    assert nearest(GPU_POD, [], {}) == []
