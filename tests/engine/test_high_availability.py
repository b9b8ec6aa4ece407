"""The ha stack on three simulated nodes, each of which goes in turn: nothing falls below its budget, all comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api, PolicyV1Api, StorageV1Api

from components.guardrails.quantities import amount
from components.guardrails.quota import JOBS, OF_A_JOB
from local import cluster as local_cluster
from local.contents import add_node
from tests.engine.kube import eventually, restart, restricted_pod
from tests.engine.nodes import all_pods, cordon, drain, evict, lowest, ready
from tests.engine.stacks import INGRESS, Stack, stack_on

NODES = ("worker-1", "worker-2", "worker-3")
NAMESPACES = ("ollama", "librechat")
ALL = {"ollama": 2, "librechat": 2, "mongodb": 3, "meilisearch": 1, "redis": 1}
"""Pods by app."""
AT_LEAST = {"ollama": 1, "librechat": 1, "mongodb": 2, "redis": 0}
"""What budgets leave ready; Meilisearch has none, as its chart makes none and one pod is all it has."""


@pytest.fixture(scope="module")
def ha(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The ha settings, deployed on a cluster of their own that has nothing but three equal nodes with GPUs."""
    directory = tmp_path_factory.mktemp("ha-cluster")
    try:
        cluster = local_cluster.start(directory, gpu=False)
        with stack_on(cluster, tmp_path_factory.mktemp("ha"), "ha", INGRESS) as stack:
            for name in NODES:
                add_node(stack.api, name, gpus=2)
            CoreV1Api(stack.api).delete_node("cpu-node")
            make_shared_class(stack.api)
            stack.up()
            yield stack
    finally:
        local_cluster.stop(directory)


@pytest.fixture
def complete(ha: Stack) -> Iterator[Stack]:
    """The stack with all of its pods ready, before and after."""
    all_ready(ha.api)
    yield ha
    cordon(ha.api, NODES, on=False)
    all_ready(ha.api)


def make_shared_class(api: ApiClient) -> None:
    """The StorageClass that values/librechat.ha.yaml names; here too the volumes are empty folders."""
    body: Any = {"metadata": {"name": "shared"}, "provisioner": "kubernetes.io/host-path"}
    StorageV1Api(api).create_storage_class(body)


def all_ready(api: ApiClient) -> None:
    """Wait until every pod is ready."""

    def there() -> bool:
        return dict(ready(api, NAMESPACES)) == ALL

    eventually(there, 60)


def pods_of(api: ApiClient, app: str) -> list[Any]:
    found = [pod for pod in all_pods(api, NAMESPACES) if pod.metadata.labels["app.kubernetes.io/name"] == app]
    return sorted(found, key=lambda pod: str(pod.metadata.name))


def below(found: Mapping[str, int]) -> dict[str, int]:
    """The apps of which fewer pods were ready than their budget says."""
    return {app: found[app] for app, least in AT_LEAST.items() if found[app] < least}


def test_the_budgets_are_what_the_cluster_holds_evictions_to(complete: Stack) -> None:
    def counted() -> dict[str, int]:
        budgets = [item for each in NAMESPACES for item in list_budgets(complete.api, each)]
        return {
            item.spec.selector.match_labels["app.kubernetes.io/name"]: item.status.desired_healthy for item in budgets
        }

    assert counted() == AT_LEAST


def list_budgets(api: ApiClient, namespace: str) -> list[Any]:
    return list(PolicyV1Api(api).list_namespaced_pod_disruption_budget(namespace).items)


@pytest.mark.parametrize("app", ["ollama", "librechat", "mongodb"])
def test_pods_of_an_app_are_on_different_nodes(complete: Stack, app: str) -> None:
    nodes = [pod.spec.node_name for pod in pods_of(complete.api, app)]
    assert len(nodes) == len(set(nodes)) == ALL[app]


@pytest.mark.parametrize("app", ["ollama", "librechat", "mongodb"])
def test_an_eviction_beyond_the_budget_is_refused(complete: Stack, app: str) -> None:
    cordon(complete.api, NODES)  # So that no new pod gets ready in between.
    first, second, *_ = pods_of(complete.api, app)
    assert evict(complete.api, first)
    eventually(lambda: ready(complete.api, NAMESPACES)[app] == ALL[app] - 1)
    assert not evict(complete.api, second)
    assert ready(complete.api, NAMESPACES)[app] == AT_LEAST[app]


@pytest.mark.parametrize("node", NODES)
def test_a_node_can_be_drained_and_no_app_falls_below_its_budget(complete: Stack, node: str) -> None:
    assert [pod for pod in all_pods(complete.api, NAMESPACES) if pod.spec.node_name == node]
    with lowest(complete.api, NAMESPACES) as found:
        drain(complete.api, node, NAMESPACES)
        # A member of the replica set waits for the node: no two may share one.
        eventually(lambda: dict(ready(complete.api, NAMESPACES)) == {**ALL, "mongodb": 2})
        cordon(complete.api, [node], on=False)
        all_ready(complete.api)
    assert below(found) == {}
    assert found["mongodb"] == 2, "the drain took none of the members away"


def test_a_node_that_is_lost_takes_no_app_below_its_budget_and_all_comes_back(complete: Stack) -> None:
    node = pods_of(complete.api, "mongodb")[0].spec.node_name
    with lowest(complete.api, NAMESPACES) as found:
        CoreV1Api(complete.api).delete_node(node)
        assert below(ready(complete.api, NAMESPACES)) == {}
        # The controllers wait for 40 s before they take the pods of a node for lost.
        eventually(lambda: not [pod for pod in all_pods(complete.api, NAMESPACES) if pod.spec.node_name == node], 150)
        eventually(lambda: dict(ready(complete.api, NAMESPACES)) == {**ALL, "mongodb": 2})
        add_node(complete.api, node, gpus=2)
        all_ready(complete.api)
    assert below(found) == {}


def test_each_pod_of_ollama_has_a_volume_of_its_own(complete: Stack) -> None:
    def volumes() -> dict[str, str]:
        listed: Any = CoreV1Api(complete.api).list_namespaced_persistent_volume_claim("ollama")
        return {claim.metadata.name: claim.spec.volume_name for claim in listed.items}

    names = {f"{pod.metadata.name}-models" for pod in pods_of(complete.api, "ollama")}
    eventually(lambda: set(volumes()) == names)  # Those of the pods that went are gone.
    assert len(set(volumes().values())) == ALL["ollama"]


def test_nothing_is_left_to_change(complete: Stack) -> None:
    assert complete.changes() == {}


def test_a_rolling_update_of_everything_at_once_comes_to_its_end_and_keeps_the_budgets(complete: Stack) -> None:
    with lowest(complete.api, NAMESPACES) as found:
        restart(complete.api, NAMESPACES, "deployment", "stateful_set")
    assert below(found) == {}


def test_the_quotas_hold_exactly_all_old_and_all_new_pods_of_an_update_and_the_jobs_of_ops(complete: Stack) -> None:
    # Simulated pods end at once, so an update never has as many at a time as it may have where pods are slow to end.
    with beside(complete.api):
        eventually(lambda: spare(complete.api) == [])
        # While a quota still counts a pod that has gone, it refuses its successor: what doesn't fit would never come.
        restart(complete.api, NAMESPACES, "stateful_set")
        eventually(lambda: spare(complete.api) == [])


def quota_status(api: ApiClient, namespace: str) -> Any:
    """What the namespace's quota grants and what is used of it."""
    quota: Any = CoreV1Api(api).read_namespaced_resource_quota(namespace, namespace)
    return quota.status


def spare(api: ApiClient) -> list[str]:
    """What of the quotas is not used to the last bit."""
    return [
        f"{namespace}: {status.used[name]} of {name}: {text}"
        for namespace in NAMESPACES
        for status in [quota_status(api, namespace)]
        for name, text in status.hard.items()
        if amount(status.used[name]) != amount(text)
    ]


@contextmanager
def beside(api: ApiClient) -> Iterator[None]:
    """All pods that updates and Jobs may have beside those of the apps. None of them may be refused."""
    core, made = CoreV1Api(api), list[tuple[str, str]]()
    # Those that have just gone may count for a moment yet.
    eventually(
        lambda: all(int(quota_status(api, each).used["pods"]) == len(all_pods(api, [each])) for each in NAMESPACES)
    )
    try:
        for namespace in NAMESPACES:
            deployments: Any = AppsV1Api(api).list_namespaced_deployment(namespace)
            new = [each.spec.template.spec for each in deployments.items for _ in range(each.spec.replicas)]
            job = restricted_pod("job", resources=OF_A_JOB)["spec"]
            for number, spec in enumerate([job] * JOBS + new):
                # Not the labels of the app, or its ReplicaSet would take the pod for one too many.
                name, labels = f"beside-{number}", {"app.kubernetes.io/name": "beside"}
                body: Any = {"metadata": {"name": name, "labels": labels}, "spec": spec}
                core.create_namespaced_pod(namespace, body)
                made.append((name, namespace))
        yield
    finally:
        for name, namespace in made:
            core.delete_namespaced_pod(name, namespace)
