"""What stands around the apps, as the API server enforces it. Pods are simulated; admission, quota and RBAC are not."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import AuthorizationV1Api, CoreV1Api, SchedulingV1Api  # gitleaks:allow - no key

from local.cluster import LocalCluster
from tests.engine.kube import eventually, list_pods, restart, restricted_pod
from tests.engine.stacks import Stack, beside, stack_on

KINDS: dict[str, Any] = {
    "": client.CoreV1Api,
    "apps": client.AppsV1Api,
    "autoscaling": client.AutoscalingV2Api,
    "batch": client.BatchV1Api,
    "networking.k8s.io": client.NetworkingV1Api,
    "policy": client.PolicyV1Api,
}
"""API groups whose kinds a namespace is made of."""


@pytest.fixture(scope="module")
def guarded(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that names groups."""
    groups = {"access": {"viewers": ["readers"], "operators": ["on-call"]}, "ollama.priority": 1000}
    with stack_on(cluster, tmp_path_factory.mktemp("railed"), settings={**beside("railed"), **groups}) as stack:
        stack.up()
        # A quota refuses everything until its controller has counted.
        eventually(lambda: all(counted(stack, namespace) for namespace in namespaces(stack).values()))
        yield stack


def counted(stack: Stack, namespace: str) -> bool:
    found: Any = CoreV1Api(stack.api).list_namespaced_resource_quota(namespace)
    return all(quota.status.hard for quota in found.items)


def namespaces(stack: Stack) -> dict[str, str]:
    """The namespaces of the apps."""
    return {"ollama": stack.ollama, "librechat": stack.librechat}


def tried(stack: Stack, namespace: str, body: Any) -> Any:
    """The pod as the API server would make it; nothing is made. Raises ApiException."""
    return CoreV1Api(stack.api).create_namespaced_pod(namespace, body, dry_run="All")


def may(
    stack: Stack,
    namespace: str,
    verb: str,
    resource: str,
    *,
    group: str = "",
    user: str = "somebody",
    api_group: str = "",
    name: str = "",
) -> bool:
    """Whether RBAC lets a member of the group do that."""
    kind, _, sub = resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "resource": kind, "subresource": sub, "name": name}
    asked["group"] = "apps" if kind in ("deployments", "statefulsets") else api_group
    review: Any = {"spec": {"user": user, "groups": [group] if group else [], "resourceAttributes": asked}}
    answer: Any = AuthorizationV1Api(stack.api).create_subject_access_review(review)
    return bool(answer.status.allowed)


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_a_pod_below_the_restricted_level_is_refused(guarded: Stack, app: str) -> None:
    namespace = namespaces(guarded)[app]
    assert tried(guarded, namespace, restricted_pod("tried")).metadata.name == "tried"
    with pytest.raises(client.ApiException, match=r"violates PodSecurity .*restricted"):
        tried(guarded, namespace, restricted_pod("tried", securityContext={}))


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_no_pod_gets_a_token_of_the_kubernetes_api(guarded: Stack, app: str) -> None:
    found = list_pods(guarded.api, namespaces(guarded)[app])
    assert found
    for each in found:
        projected = [volume.projected for volume in each.spec.volumes or () if volume.projected]
        tokens = [source for item in projected for source in item.sources if source.service_account_token]
        assert tokens == [], each.metadata.name
        user = f"system:serviceaccount:{each.metadata.namespace}:{each.spec.service_account_name}"
        for resource in ("pods", "secrets", "configmaps"):
            assert not may(guarded, each.metadata.namespace, "get", resource, user=user)


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_a_container_that_asks_for_nothing_gets_what_the_limit_range_says(guarded: Stack, app: str) -> None:
    made = tried(guarded, namespaces(guarded)[app], restricted_pod("tried"))
    assert made.spec.containers[0].resources.requests == {"cpu": "100m", "memory": "128Mi"}
    assert made.spec.containers[0].resources.limits == {"memory": "1Gi"}


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_more_than_the_quota_is_refused(guarded: Stack, app: str) -> None:
    greedy = restricted_pod("tried", resources={"requests": {"memory": "100Gi"}, "limits": {"memory": "100Gi"}})
    with pytest.raises(client.ApiException, match="exceeded quota"):
        tried(guarded, namespaces(guarded)[app], greedy)


def test_a_rolling_update_of_everything_at_once_fits_into_the_quotas(guarded: Stack) -> None:
    # No part of dev starts a pod beside the one that it replaces, so what didn't fit would never come. (A refusal alone
    # says nothing: a quota may count a pod for a moment after it has gone, and its controller tries again.)
    restart(guarded.api, namespaces(guarded).values(), "deployment", "stateful_set")
    guarded.up("--refresh")  # Undoes the edit.


def hard(stack: Stack) -> dict[str, str]:
    """What Ollama's quota says, on the cluster."""
    found: Any = CoreV1Api(stack.api).read_namespaced_resource_quota("ollama", stack.ollama)
    return dict(found.spec.hard)


def test_an_app_that_gets_much_larger_or_smaller_has_room_for_its_old_and_new_pods(guarded: Stack) -> None:
    # Side by side, as no app of dev updates its pods: without room for both, the new one would never be ready.
    rolling = {"ollama.values": {"updateStrategy": {"type": "RollingUpdate"}}, "ollama.chart.timeout": 60}
    with guarded.changed(rolling):
        guarded.up()
        before = hard(guarded)
        with guarded.changed({"ollama.resources.limits.memory": "16Gi"}):
            guarded.up()
            assert hard(guarded) == {**before, "limits.memory": "34Gi"}
        guarded.up()
        assert hard(guarded) == before
        guarded.run("preview", "--refresh", "--expect-no-changes")
    guarded.up()


def test_what_a_release_was_given_room_for_is_taken_back_where_it_fails(guarded: Stack) -> None:
    before = hard(guarded)
    too_much = {"ollama.resources.limits.memory": "16Gi", "ollama.nodeSelector": {"no-node": "has-it"}}
    unchecked = {"preflight": {"off": {"capacity": "a pod that finds no node is the test"}}}
    with guarded.changed({**too_much, **unchecked, "ollama.chart.timeout": 10}):
        assert "Why release ollama failed" in guarded.fail("up", "--yes", "--skip-preview")
        assert hard(guarded) == before
    guarded.up()
    guarded.run("preview", "--refresh", "--expect-no-changes")


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_viewers_see_everything_but_secrets_and_change_nothing(guarded: Stack, app: str) -> None:
    namespace = namespaces(guarded)[app]
    for resource in ("pods", "configmaps", "events", "deployments", "statefulsets", "persistentvolumeclaims"):
        assert may(guarded, namespace, "list", resource, group="readers"), resource
    for verb, resource in (
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "pods/log"),
        ("create", "pods/exec"),
        ("create", "pods/portforward"),
        ("delete", "pods"),
        ("patch", "deployments"),
    ):
        assert not may(guarded, namespace, verb, resource, group="readers"), f"{verb} {resource}"


@pytest.mark.parametrize("app", ["ollama", "librechat"])
@pytest.mark.parametrize("group", ["readers", "on-call"])
def test_both_groups_see_every_kind_that_the_api_server_keeps_in_a_namespace_but_secrets(
    guarded: Stack, app: str, group: str
) -> None:
    namespace, seen = namespaces(guarded)[app], set()
    for api_group, version in KINDS.items():
        listed: Any = version(guarded.api).get_api_resources()
        for each in listed.resources:
            if each.namespaced and "list" in each.verbs:
                seen.add(each.name)
                for verb in ("get", "list", "watch"):
                    allowed = may(guarded, namespace, verb, each.name, group=group, api_group=api_group)
                    assert allowed == (each.name != "secrets"), f"{verb} {each.name}"
    assert {"secrets", "pods", "deployments", "jobs", "ingresses", "poddisruptionbudgets"} <= seen


def test_both_groups_see_their_own_namespace_and_what_operators_of_others_keep_there(guarded: Stack) -> None:
    for group in ("readers", "on-call"):
        for namespace in namespaces(guarded).values():
            assert may(guarded, namespace, "get", "namespaces", group=group, name=namespace)
            assert not may(guarded, namespace, "patch", "namespaces", group=group, name=namespace)
            for api_group, resource in (("cert-manager.io", "certificates"), ("bitnami.com", "sealedsecrets")):
                assert may(guarded, namespace, "list", resource, group=group, api_group=api_group), resource
        assert not may(guarded, "default", "get", "namespaces", group=group, name="default")
        assert not may(guarded, "", "list", "namespaces", group=group)


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_operators_restart_pods_read_logs_and_port_forward_but_reach_no_secret(guarded: Stack, app: str) -> None:
    namespace = namespaces(guarded)[app]
    for verb, resource in (("delete", "pods"), ("get", "pods/log"), ("create", "pods/portforward"), ("list", "pods")):
        assert may(guarded, namespace, verb, resource, group="on-call"), f"{verb} {resource}"
    for verb, resource in (
        ("get", "secrets"),
        ("create", "pods/exec"),
        ("create", "pods"),
        ("patch", "deployments"),
        ("update", "statefulsets"),
    ):
        assert not may(guarded, namespace, verb, resource, group="on-call"), f"{verb} {resource}"


def test_nobody_else_and_nowhere_else(guarded: Stack) -> None:
    for namespace in namespaces(guarded).values():
        assert not may(guarded, namespace, "list", "pods", group="system:authenticated")
    for group in ("readers", "on-call"):
        assert not may(guarded, "default", "list", "pods", group=group)


def test_the_pods_of_ollama_have_the_priority_that_the_stack_asks_for(guarded: Stack) -> None:
    (found,) = list_pods(guarded.api, guarded.ollama)
    assert (found.spec.priority, found.spec.priority_class_name) == (1000, f"{guarded.ollama}-pods-1000")


def classes_of(stack: Stack) -> set[str]:
    """The PriorityClasses that are of the stack's Ollama, by name."""
    listed: Any = SchedulingV1Api(stack.api).list_priority_class()
    return {item.metadata.name for item in listed.items if item.metadata.name.startswith(f"{stack.ollama}-pods")}


def priorities(stack: Stack) -> set[tuple[int, str]]:
    """Priority and class of Ollama's pods, once no old one is left."""

    def one() -> bool:
        return len(list_pods(stack.api, stack.ollama)) == 1

    eventually(one, 60)
    return {(pod.spec.priority, pod.spec.priority_class_name) for pod in list_pods(stack.api, stack.ollama)}


def test_another_priority_reaches_the_pods_and_the_class_before_goes(guarded: Stack) -> None:
    with guarded.changed({"ollama.priority": 2000}):
        guarded.up()
        assert priorities(guarded) == {(2000, f"{guarded.ollama}-pods-2000")}
        assert classes_of(guarded) == {f"{guarded.ollama}-pods-2000"}
        guarded.run("preview", "--refresh", "--expect-no-changes")
    guarded.up()
    assert priorities(guarded) == {(1000, f"{guarded.ollama}-pods-1000")}
    assert classes_of(guarded) == {f"{guarded.ollama}-pods-1000"}
