"""What a node lacks to take a pod, and whether several pods fit together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ops.preflight_checks.fitting import Placing, Used, fit_together, options
from ops.preflight_checks.nodes import free_on, lacks
from ops.preflight_checks.view import Unreadable
from tests.unit.ops.preflight_views import container, node, pod, spec

GPU_TAINT = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}


def affinity(*expressions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    term = {"matchExpressions": list(expressions), **fields}
    required = {"nodeSelectorTerms": [term]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def test_a_node_with_room_lacks_nothing() -> None:
    assert list(lacks(spec(cpu="8", memory="32Gi"), node(), [])) == []


def test_what_is_in_use_is_named_beside_what_there_is() -> None:
    crowd = [
        pod("a", cpu="3"),
        pod("b", cpu="3500m"),
        pod("gone", "Succeeded", cpu="8"),
        pod("dead", "Failed", cpu="8"),
    ]
    assert list(lacks(spec(cpu="2"), node(), crowd)) == ["cpu: 2 asked, 1500m free of 8 in all"]
    assert list(lacks(spec(cpu="1500m"), node(), crowd)) == []


def test_without_knowing_what_is_in_use_only_the_whole_node_counts() -> None:
    assert list(lacks(spec(cpu="8"), node(), None)) == []
    assert list(lacks(spec(cpu="9"), node(), None)) == ["cpu: 9 asked, 8 in all"]


def test_a_node_that_has_no_such_device_or_no_place_for_one_more_pod() -> None:
    assert list(lacks(spec(gpu="1"), node(), [])) == ["no nvidia.com/gpu"]
    assert list(lacks(spec(), node(pods="1"), [pod()])) == ["pods: 1 asked, 0 free of 1 in all"]


def test_an_overbooked_node_has_nothing_free_and_not_less() -> None:
    assert list(lacks(spec(cpu="1"), node(), [pod(cpu="9")])) == ["cpu: 1 asked, 0 free of 8 in all"]


def test_labels_taints_and_the_state_of_a_node() -> None:
    tired = node("tired", {"disk": "hdd"})
    tired["spec"] = {"unschedulable": True, "taints": [GPU_TAINT | {"value": "yes"}, {**GPU_TAINT, "effect": "X"}]}
    tired["status"]["conditions"] = [
        {"type": "Ready", "status": "False"},
        {"type": "DiskPressure", "status": "True"},
        {"type": "MemoryPressure", "status": "False"},
    ]
    wanted = {**spec(), "nodeSelector": {"disk": "ssd", "zone": "a"}}
    assert list(lacks(wanted, tired, [])) == [
        "is not Ready",
        "is cordoned",
        "has the condition DiskPressure",
        "no label disk=ssd (has disk=hdd)",
        "no label zone=a",
        "taint nvidia.com/gpu=yes:NoSchedule is not tolerated",
    ]


@pytest.mark.parametrize(
    ("toleration", "borne"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "nvidia.com/gpu", "value": "yes"}, True),
        ({"key": "nvidia.com/gpu", "operator": "Equal", "value": "no"}, False),
        ({"key": "nvidia.com/gpu"}, False),
        ({"key": "amd.com/gpu", "operator": "Exists"}, False),
    ],
)
def test_a_taint_is_borne_as_the_scheduler_sees_it(toleration: dict[str, str], borne: bool) -> None:
    tainted = node()
    tainted["spec"]["taints"] = [GPU_TAINT | {"value": "yes"}]
    assert (not list(lacks({**spec(), "tolerations": [toleration]}, tainted, []))) is borne


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"key": "zone", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "zone", "operator": "In", "values": ["b"]}, False),
        ({"key": "zone", "operator": "NotIn", "values": ["b"]}, True),
        ({"key": "none", "operator": "NotIn", "values": ["b"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "none", "operator": "Exists"}, False),
        ({"key": "none", "operator": "DoesNotExist"}, True),
        ({"key": "zone", "operator": "DoesNotExist"}, False),
        ({"key": "size", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "size", "operator": "Lt", "values": ["5"]}, False),
        ({"key": "none", "operator": "Gt", "values": ["4"]}, False),
    ],
)
def test_node_affinity_is_read_as_the_scheduler_reads_it(rule: dict[str, Any], holds: bool) -> None:
    lacking = list(lacks({**spec(), **affinity(rule)}, node(labels={"zone": "a", "size": "5"}), []))
    assert lacking == ([] if holds else ["the pod's node affinity does not match"])


def test_node_affinity_may_name_a_node_and_an_empty_term_matches_none() -> None:
    by_name = {"key": "metadata.name", "operator": "In", "values": ["node"]}
    assert not list(lacks({**spec(), **affinity(matchFields=[by_name])}, node(), []))
    assert list(lacks({**spec(), **affinity(matchFields=[by_name])}, node("other"), []))
    assert list(lacks({**spec(), **affinity()}, node(), []))


def test_what_is_left_of_a_node_counts_sidecars_and_what_a_start_takes() -> None:
    starting = {"initContainers": [container("init", cpu="3")], "containers": [container(cpu="1")]}
    sidecar = {**container("proxy", cpu="1"), "restartPolicy": "Always"}
    helped = {"initContainers": [sidecar, container("init", cpu="1")], "containers": [container(cpu="2")]}
    there = [
        {"metadata": {"name": name}, "spec": each, "status": {}} for name, each in (("a", starting), ("b", helped))
    ]
    assert free_on(node(), there)["cpu"] == 8 - 3 - 3
    assert free_on(node(), there)["pods"] == 108


def test_nodes_are_sorted_by_what_is_known_of_them() -> None:
    nodes = [
        node("full"),
        node("roomy"),
        node("unknown"),
        node("unasked"),
        node("small", cpu="1"),
        node("tiny", cpu="1"),
    ]
    used: Used = {"full": [pod(cpu="8")], "roomy": [], "unknown": Unreadable("not allowed"), "small": [], "tiny": []}
    found = options(spec(cpu="2"), nodes, used)
    assert (found.sure, found.unsure) == (["roomy"], ["unknown", "unasked"])
    assert found.lines == ["full: cpu: 2 asked, 0 free of 8 in all", "small, tiny: cpu: 2 asked, 1 free of 1 in all"]


def test_a_message_about_many_nodes_stays_short() -> None:
    many = [node(f"n{number}", {"a": "b"}) for number in range(50)]
    for number, each in enumerate(many):
        each["metadata"]["labels"]["zone"] = str(number % 8)
    lines = options({**spec(), "nodeSelector": {"zone": "z"}}, many, {}).lines
    assert len(lines) == 7
    assert lines[0] == "n0, n8 and 5 more nodes: no label zone=z (has zone=0)"
    assert lines[-1] == "and 12 more nodes"


def placing(cpu: int, *nodes: str) -> Placing:
    return Placing({"cpu": Decimal(cpu)}, nodes)


def free(**cpus: int) -> dict[str, dict[str, Decimal]]:
    return {name: {"cpu": Decimal(cpu), "pods": Decimal(10)} for name, cpu in cpus.items()}


def test_pods_that_fit_in_one_way_only_are_found_to_fit() -> None:
    # By size, 4 would go beside 3, or 3 beside 3: only 4+4 and 3+3+2 leave nothing over.
    pods = [placing(cpu, "a", "b") for cpu in (3, 4, 2, 3, 4)]
    assert fit_together(pods, free(a=8, b=8)) is True
    assert fit_together([*pods, placing(1, "a", "b")], free(a=8, b=8)) is False


def test_a_pod_goes_only_to_its_own_nodes_and_takes_a_place_of_a_pod() -> None:
    assert fit_together([placing(5, "a"), placing(5, "a")], free(a=8, b=8)) is False
    places = free(a=8)
    places["a"]["pods"] = Decimal(1)
    assert fit_together([placing(1, "a"), placing(1, "a")], places) is False
    assert fit_together([placing(1, "a")], places) is True


def test_too_many_ways_are_given_up_and_not_called_impossible() -> None:
    names = [f"n{number}" for number in range(12)]
    uneven = {name: {"cpu": Decimal(150 + number), "pods": Decimal(10)} for number, name in enumerate(names)}
    pods = [placing(101, *names) for _ in range(13)]
    assert fit_together(pods, uneven) is None


def test_many_alike_nodes_cost_no_more_than_one() -> None:
    names = [f"n{number}" for number in range(200)]
    alike = {name: {"cpu": Decimal(8), "pods": Decimal(10)} for name in names}
    assert fit_together([placing(9, *names)], alike) is False
    assert fit_together([placing(8, *names) for _ in range(100)], alike) is True
