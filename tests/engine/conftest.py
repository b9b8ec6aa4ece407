"""What the engine tests share: one throw-away local cluster."""

from collections.abc import Iterator

import pytest
from kubernetes import client

from local import cluster as local_cluster
from local.cluster import LocalCluster
from local.contents import connect


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
