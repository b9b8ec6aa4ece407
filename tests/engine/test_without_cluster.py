"""A preview of a deployed stack while its cluster is stopped.

It runs last (files run by name): for up to a minute after this restart of the shared cluster, kwok plays no pods.
"""

from __future__ import annotations

from local import cluster as local_cluster
from tests.engine.stacks import Stack


def test_a_deployed_stack_can_be_previewed_with_its_cluster_stopped(prod: Stack) -> None:
    local_cluster.pause(prod.cluster.directory)
    try:
        assert prod.run("preview", "--expect-no-changes").returncode == 0
        with prod.changed({"librechat.registration": True}):
            assert prod.changes() == {
                "update kubernetes:helm.sh/v3:Release librechat": {"values.librechat.configEnv.ALLOW_REGISTRATION"}
            }
        assert local_cluster.status(prod.cluster.directory) == "stopped"
    finally:
        assert local_cluster.start(prod.cluster.directory).origin == "restarted"
