"""What the engine tests share: throw-away local clusters, and the dev and prod settings deployed on them."""

import secrets
from collections.abc import Iterator

import pytest
from kubernetes import client

from local import cluster as local_cluster
from local.cluster import LocalCluster
from local.contents import connect
from tests.engine.stacks import INGRESS, Stack, beside, stack_on


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A local cluster with a CPU node and a GPU node, for the whole session."""
    directory = tmp_path_factory.mktemp("cluster")
    try:
        yield local_cluster.start(directory)
    finally:
        local_cluster.stop(directory)


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


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each of the two deployed stacks."""
    deployed: Stack = request.getfixturevalue(request.param)
    return deployed
