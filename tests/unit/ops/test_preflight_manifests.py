"""What the manifests of a release make: pods, claims, amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ops.diagnosis.placing import quantity
from ops.preflight_checks.manifests import claims_of, pods_of, shown, totals, with_runtime_class
from tests.unit.ops.preflight_views import claim, container, named, spec, workload

GI = 2**30


def test_every_kind_of_workload_has_its_pods() -> None:
    template = {"spec": spec()}
    manifests: list[dict[str, Any]] = [
        workload("Deployment", "web", 3),
        workload("StatefulSet", "db"),
        {"kind": "DaemonSet", **named("agent"), "spec": {"template": template}},
        {"kind": "Job", **named("once"), "spec": {"template": template}},
        {"kind": "CronJob", **named("nightly"), "spec": {"jobTemplate": {"spec": {"template": template}}}},
        {"kind": "Pod", **named("bare"), "spec": spec()},
        {"kind": "Service", **named("web"), "spec": {}},
        {"kind": "PodTemplate", **named("odd")},
    ]
    assert [(pods.owner, pods.count) for pods in pods_of(manifests)] == [
        ("Deployment web", 3),
        ("StatefulSet db", 1),
        ("DaemonSet agent", 1),
        ("Job once", 1),
        ("CronJob nightly", 1),
        ("Pod bare", 1),
    ]


def test_a_stateful_set_makes_a_claim_for_each_of_its_pods() -> None:
    database = workload("StatefulSet", "db", 2)
    database["spec"] |= {"volumeClaimTemplates": [claim("data", "5Gi")], "ordinals": {"start": 1}}
    found = claims_of([claim("own", "1Gi"), database, workload()])
    assert [(each.name, each.size) for each in found] == [
        ("own", Decimal(GI)),
        ("data-db-1", Decimal(5 * GI)),
        ("data-db-2", Decimal(5 * GI)),
    ]


def test_a_pod_counts_for_its_containers_or_for_its_start_if_that_takes_more() -> None:
    pod = {
        "initContainers": [container("first", cpu="4", memory="1Gi"), container("second", cpu="1")],
        "containers": [container("a", cpu="1", memory="2Gi"), container("b", {"memory": "1Gi"}, cpu="500m")],
        "overhead": {"memory": "1Gi"},
    }
    assert totals(pod, "requests") == {"cpu": 4, "memory": 4 * GI}
    assert totals(pod, "limits") == {"memory": 2 * GI}


def test_a_sidecar_runs_beside_what_starts_after_it_and_beside_the_containers() -> None:
    sidecar = {**container("proxy", cpu="1"), "restartPolicy": "Always"}
    before, after = container("before", cpu="3"), container("after", cpu="3")
    assert totals({"initContainers": [before, sidecar], "containers": [container(cpu="1")]}, "requests")["cpu"] == 3
    assert totals({"initContainers": [sidecar, after], "containers": [container(cpu="1")]}, "requests")["cpu"] == 4


def test_a_runtime_class_brings_its_nodes_tolerations_and_overhead() -> None:
    (pods,) = pods_of([workload(runtimeClassName="nvidia", nodeSelector={"a": "b"})])
    scheduling = {"nodeSelector": {"gpu": "yes"}, "tolerations": [{"operator": "Exists"}]}
    classes = [named("other"), named("nvidia", scheduling=scheduling, overhead={"podFixed": {"memory": "1Gi"}})]
    changed = with_runtime_class(pods, classes).spec
    assert changed["nodeSelector"] == {"a": "b", "gpu": "yes"}
    assert changed["tolerations"] == [{"operator": "Exists"}]
    assert totals(changed, "requests") == {"memory": GI}
    assert with_runtime_class(pods, classes[:1]) is pods


@pytest.mark.parametrize(
    ("resource", "text", "out"),
    [
        ("cpu", "4", "4"),
        ("cpu", "250m", "250m"),
        ("requests.cpu", "1.5", "1500m"),
        ("memory", "16Gi", "16Gi"),
        ("memory", "1.5Gi", "1536Mi"),
        ("requests.storage", "10G", "10G"),
        ("memory", "1Ti", "1Ti"),
        ("memory", "1000", "1000"),
        ("memory", "0", "0"),
        ("nvidia.com/gpu", "1", "1"),
        ("pods", "110", "110"),
    ],
)
def test_an_amount_is_shown_exactly_as_a_manifest_would_have_it(resource: str, text: str, out: str) -> None:
    assert shown(resource, quantity(text)) == out
    assert quantity(out) == quantity(text)


def test_what_is_no_quantity_is_an_error() -> None:
    with pytest.raises(ValueError):
        quantity("a lot")
    assert quantity(2) == Decimal(2)
