"""What the engine tests share: throw-away local clusters, and the dev and prod settings deployed on them."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from local import cluster as local_cluster
from local.cluster import LocalCluster
from local.contents import CPU_NODE, connect
from tests.engine.commands import own_project
from tests.engine.editing import Hand, asked
from tests.engine.faults import prefix_of
from tests.engine.interrupting import interruptible
from tests.engine.stacks import INGRESS, Stack, beside, stack_on

ROOM = {"cpu": "200", "memory": "800Gi", "ephemeral-storage": "1Ti", "pods": "1000"}
"""Of the CPU node: the stacks of all tests stand on it, and a full node would make them fail for no fault of theirs."""


def roomy(cluster: LocalCluster) -> LocalCluster:
    """The cluster, with a CPU node that is never full."""
    with connect(cluster.kubeconfig) as api:
        status: Any = {"status": {"capacity": ROOM, "allocatable": ROOM}}
        client.CoreV1Api(api).patch_node_status(CPU_NODE, status)
    return cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A local cluster with a CPU node and a GPU node, for the whole session."""
    directory = tmp_path_factory.mktemp("cluster")
    try:
        yield roomy(local_cluster.start(directory))
    finally:
        local_cluster.stop(directory)


@pytest.fixture(scope="session")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster for the tests of faults alone: they kill its programs, and what ups have left on it stays there."""
    directory = tmp_path_factory.mktemp("doomed")
    try:
        yield roomy(local_cluster.start(directory))
    finally:
        local_cluster.stop(directory)


@pytest.fixture
def fresh(doomed: LocalCluster, tmp_path: Path) -> Iterator[Stack]:
    """A stack on that cluster that is not deployed yet."""
    with interruptible(doomed, tmp_path, prefix_of(tmp_path)) as stack:
        yield stack


@pytest.fixture(scope="session")
def api(cluster: LocalCluster) -> Iterator[client.ApiClient]:
    """An API client of that cluster."""
    with connect(cluster.kubeconfig) as api_client:
        yield api_client


@pytest.fixture(scope="session")
def dev(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The dev settings, deployed: every key is generated. No test changes what is deployed."""
    with stack_on(cluster, tmp_path_factory.mktemp("dev")) as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The prod settings, deployed on a cluster of their own, with keys that were brought along.

    No test changes what is deployed.
    """
    directory = tmp_path_factory.mktemp("prod-cluster")
    try:
        cluster = local_cluster.start(directory)
        with stack_on(cluster, tmp_path_factory.mktemp("prod"), "prod", INGRESS) as stack:
            stack.change_secret("librechat.keys.CREDS_KEY", secrets.token_hex(32).upper())
            # Each of these characters has a meaning in a URI.
            stack.change_secret("librechat.keys.MONGODB_PASSWORD", f"p@ss:w/rd?#[%2F]&{secrets.token_hex(8)}")
            stack.change_secret("librechat.secretEnv.OPENAI_API_KEY", f"sk-{secrets.token_urlsafe(24)}")
            stack.up("--diff")
            yield stack
    finally:
        local_cluster.stop(directory)


@pytest.fixture(scope="session")
def workbench(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack for tests that change something and deploy it: each looks at it before and after."""
    with stack_on(cluster, tmp_path_factory.mktemp("workbench"), settings=beside("workbench")) as stack:
        stack.change_secret("librechat.secretEnv.OPENAI_API_KEY", "sk-the-first-one")
        stack.up()
        yield stack


@pytest.fixture(scope="session")
def commanded(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack of a copy of the project, for commands to be run there; each test undoes what it did."""
    settings = {**beside("commanded"), "access": {"viewers": ["readers"]}}
    with own_project(cluster, tmp_path_factory.mktemp("commanded"), settings) as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="module")
def hands(commanded: Stack) -> Iterator[tuple[Hand, Hand]]:
    """Somebody with kubectl in Ollama's and in LibreChat's namespace of the stack `commanded`."""
    with asked(commanded.cluster) as api:
        yield Hand(api, commanded.ollama), Hand(api, commanded.librechat)


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two deployed stacks."""
    deployed: Stack = request.getfixturevalue(request.param)
    return deployed
