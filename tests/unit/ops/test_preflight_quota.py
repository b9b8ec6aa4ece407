"""Checks `quota` and `limitRange`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ops.preflight_checks.findings import CouldNotTellError, Result
from ops.preflight_checks.limits import limit_range
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.quota import quota
from ops.preflight_checks.view import Unreadable
from tests.unit.ops.preflight_views import claim, container, failed, named, pod, release, view, workload

OLLAMA = workload(containers=[container("ollama", {"memory": "2Gi"}, cpu="1", memory="1Gi")])


def hard(used: Mapping[str, str] | None = None, scopes: Any = None, **amounts: str) -> dict[str, Any]:
    """A ResourceQuota; `__` in a name is a dot."""
    allowed = {key.replace("__", "."): text for key, text in amounts.items()}
    return named("small", spec={"hard": allowed, **(scopes or {})}, status={"used": dict(used or {})})


def item(type_: str = "Container", **bounds: Any) -> dict[str, Any]:
    return named("bounds", spec={"limits": [{"type": type_, **bounds}]})


def over(*manifests: Mapping[str, Any], quota_: Mapping[str, Any], **parts: Any) -> list[str]:
    answers = {"resourcequotas": [quota_], **parts.pop("answers", {})}
    return failed(list(quota(view(*manifests, answers=answers, **parts))))


@pytest.mark.parametrize("check", [quota, limit_range])
def test_a_namespace_that_is_new_has_none_and_one_that_may_not_be_read_is_not_judged(check: Any) -> None:
    (said,) = check(view(OLLAMA, namespace=None))
    assert said.result is Result.OK and said.text.startswith("the namespace ollama is new")
    (said,) = check(view(OLLAMA))
    assert said.result is Result.OK
    with pytest.raises(CouldNotTellError, match="not allowed"):
        list(check(view(OLLAMA, namespace=Unreadable("not allowed"))))
    with pytest.raises(CouldNotTellError, match="can't be read"):
        denied = {"resourcequotas": Unreadable("not allowed"), "limitranges": Unreadable("not allowed")}
        list(check(view(OLLAMA, answers=denied)))


def test_a_quota_is_exceeded_by_what_is_in_use_and_what_comes() -> None:
    assert not over(OLLAMA, quota_=hard({"requests.cpu": "3"}, requests__cpu="4"))
    assert over(OLLAMA, quota_=hard({"requests.cpu": "3500m"}, requests__cpu="4")) == [
        "quota small: requests.cpu 1 more is needed, and 3500m of 4 is in use"
    ]


def test_a_quota_that_is_exceeded_already_does_not_stop_who_needs_nothing_of_it() -> None:
    assert not over(OLLAMA, quota_=hard({"services": "9"}, services="1"))


def test_replicas_and_limits_count_and_several_faults_are_all_told() -> None:
    twice = workload(replicas=2, containers=[container(limits={"memory": "2Gi"}, cpu="1")])
    found = over(twice, quota_=hard(cpu="1", limits__memory="3Gi", memory="4Gi", pods="1"))
    assert [text.split(": ")[1].split(" more")[0] for text in found] == ["cpu 2", "limits.memory 4Gi", "pods 2"]


def test_what_the_release_holds_already_does_not_count_against_it() -> None:
    used = hard({"requests.memory": "1Gi", "pods": "1"}, requests__memory="1Gi", pods="1")
    assert over(OLLAMA, quota_=used)
    assert not over(OLLAMA, quota_=used, own_pods=[pod(memory="1Gi")])
    assert over(OLLAMA, quota_=used, own_pods=[pod(phase="Succeeded", memory="1Gi")]), "one that ended holds nothing"
    larger = workload(containers=[container(memory="3Gi")])
    assert over(larger, quota_=used, own_pods=[pod(memory="1Gi")]) == [
        "quota small: requests.memory 2Gi more is needed, and 1Gi of 1Gi is in use"
    ]


def test_claims_that_are_there_need_no_more_storage() -> None:
    storage = hard({"requests.storage": "5Gi"}, requests__storage="30Gi", persistentvolumeclaims="1")
    assert [text.split()[2] for text in over(claim(size="26Gi"), quota_=storage)] == ["requests.storage"]
    assert not over(claim(size="26Gi"), quota_=storage, answers={"persistentvolumeclaims": [named("ollama")]})


def test_storage_of_a_class_counts_for_that_class_only() -> None:
    of_class = named(
        "small",
        spec={"hard": {"fast.storageclass.storage.k8s.io/requests.storage": "1Gi", "requests.storage": "1Ti"}},
        status={},
    )
    assert over(claim(storageClassName="fast"), quota_=of_class) == [
        "quota small: fast.storageclass.storage.k8s.io/requests.storage 30Gi more is needed, and 0 of 1Gi is in use"
    ]
    assert not over(claim(storageClassName="slow"), quota_=of_class)


def test_objects_that_come_new_count_by_their_names_in_quotas() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        **named("web"),
        "spec": {"type": "LoadBalancer", "ports": [{}, {}]},
    }
    new = {
        Ref("v1", "Service", "ollama", "web"): None,
        Ref("apps/v1", "Deployment", "ollama", "ollama"): None,
        Ref("v1", "Secret", "ollama", "keys"): None,
        Ref("v1", "ServiceAccount", "ollama", "ollama"): Unreadable("not allowed"),
    }
    none = named(
        "small",
        spec={
            "hard": {
                "services": "0",
                "services.loadbalancers": "0",
                "services.nodeports": "1",
                "count/deployments.apps": "0",
                "secrets": "1",
                "count/secrets": "2",
                "count/serviceaccounts": "0",
            }
        },
        status={},
    )
    found = over(service, OLLAMA, quota_=none, live=new)
    assert [text.split()[2:4] for text in found] == [
        ["services", "1"],
        ["services.loadbalancers", "1"],
        ["services.nodeports", "2"],
        ["count/deployments.apps", "1"],
        ["secrets", "2"],  # The stack's own, and helm's record.
    ]
    there = dict.fromkeys(new, named("it"))
    assert not over(service, OLLAMA, quota_=none, live=there), "helm's record alone has room"


def test_what_a_quota_counts_every_container_has_to_say() -> None:
    silent = workload(
        initContainers=[container("init", {"cpu": "1"})], containers=[container("main", cpu="1", memory="1Gi")]
    )
    found = over(silent, quota_=hard(requests__cpu="9", limits__cpu="9", memory="9Gi", pods="9"))
    assert found == [
        "quota small demands limits.cpu, memory of every container, and Deployment ollama has one without: its pods "
        "would be refused"
    ]
    given = item(default={"cpu": "2", "memory": "1Gi"}, defaultRequest={"cpu": "1", "memory": "1Gi"})
    ranges = {"limitranges": [given]}
    assert not over(silent, quota_=hard(requests__cpu="9", limits__cpu="9", memory="9Gi"), answers=ranges)


def priority(operator: str, *values: str) -> dict[str, Any]:
    return {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("scopes", "counts"),
    [
        ({"scopes": ["NotBestEffort"]}, True),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["NotTerminating", "BestEffort"]}, False),
        ({"scopes": ["PriorityClass"]}, True),
        ({"scopeSelector": {"matchExpressions": [priority("In", "high")]}}, True),
        ({"scopeSelector": {"matchExpressions": [priority("In", "low")]}}, False),
        ({"scopeSelector": {"matchExpressions": [priority("NotIn", "high")]}}, False),
        ({"scopeSelector": {"matchExpressions": [priority("DoesNotExist")]}}, False),
    ],
)
def test_a_quota_counts_the_pods_in_its_scope_only(scopes: Any, counts: bool) -> None:
    important = workload(priorityClassName="high", containers=[container(cpu="1")])
    assert bool(over(important, claim(), quota_=hard(scopes=scopes, pods="0"))) is counts


def test_a_scope_that_is_not_known_here_leaves_it_open() -> None:
    new = hard(scopes={"scopes": ["VolumeAttributesClass"]}, pods="0")
    (said,) = quota(view(OLLAMA, answers={"resourcequotas": [new]}))
    assert said.result is Result.UNKNOWN and "VolumeAttributesClass" in said.text


def outside(*manifests: Mapping[str, Any], range_: Mapping[str, Any], **answers: Any) -> list[str]:
    return failed(list(limit_range(view(*manifests, answers={"limitranges": [range_], **answers}))))


def test_a_container_has_to_be_within_the_bounds() -> None:
    assert not outside(OLLAMA, range_=item(min={"memory": "1Gi", "cpu": "1"}, max={"memory": "2Gi"}))
    assert outside(OLLAMA, range_=item(min={"memory": "1025Mi"}, max={"memory": "2047Mi"})) == [
        "Deployment ollama, container ollama: memory 1Gi is less than the 1025Mi that is demanded (LimitRange bounds)",
        "Deployment ollama, container ollama: memory 2Gi is more than the 2047Mi that is allowed (LimitRange bounds)",
    ]
    assert outside(OLLAMA, range_=item(maxLimitRequestRatio={"memory": "1.5"}))[0].endswith(
        "its memory limit is 2.0 times its request, 1.5 at most is allowed (LimitRange bounds)"
    )


def test_what_a_container_does_not_say_the_range_gives_before_it_judges() -> None:
    silent = workload(containers=[container()])
    # The API server fills in `default` and `defaultRequest` of a range from `max`.
    filled = item(max={"memory": "1Gi"}, default={"memory": "1Gi"}, defaultRequest={"memory": "1Gi"})
    assert not outside(silent, range_=filled)
    assert outside(silent, range_=item(min={"cpu": "1"}, max={"memory": "1Gi"})) == [
        "Deployment ollama, container main: it has no cpu request, and at least 1 is demanded (LimitRange bounds)",
        "Deployment ollama, container main: it has no memory limit, and at most 1Gi is allowed (LimitRange bounds)",
    ]


def test_a_pod_counts_with_all_its_containers() -> None:
    two = workload(containers=[container("a", {"memory": "1Gi"}), container("b", {"memory": "1Gi"})])
    assert not outside(two, range_=item("Pod", max={"memory": "2Gi"}))
    assert outside(two, range_=item("Pod", max={"memory": "1Gi"})) == [
        "Deployment ollama, its pod: memory 2Gi is more than the 1Gi that is allowed (LimitRange bounds)"
    ]


def test_a_claim_has_to_be_within_the_bounds_unless_it_is_there() -> None:
    small = item("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "10Gi"})
    assert outside(claim(), range_=small) == [
        "claim ollama: storage 30Gi is more than the 10Gi that is allowed (LimitRange bounds)"
    ]
    assert not outside(claim(size="10Gi"), range_=small)
    assert not outside(claim(), range_=small, persistentvolumeclaims=[named("ollama")])


def test_a_cure_names_a_setting_only_where_the_release_has_one() -> None:
    full = view(OLLAMA, of=release("third"), answers={"resourcequotas": [hard(pods="0")]})
    (said,) = quota(full)
    assert said.result is Result.FAILED and "third" not in said.cure
