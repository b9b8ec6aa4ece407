"""A deployment that can't succeed ends in time, leaves nothing half done, and can be tried again."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import cluster as local_cluster
from tests.engine.kube import Revision, eventually, is_ready, list_pods, stored
from tests.engine.stacks import INGRESS, Stack, name_of, stack_on

TIMEOUT = 8
"""Seconds that Ollama's release gets here."""
ALLOWANCE = 60
"""Seconds beside the timeout, for the engine's start and helm's clean-up, on a busy machine."""


@pytest.fixture
def gpuless(tmp_path: Path) -> Iterator[Stack]:
    """The prod settings, not deployed yet, on a cluster without a GPU node."""
    try:
        cluster = local_cluster.start(tmp_path / "cluster", gpu=False)
        unchecked = dict.fromkeys(("gpu", "capacity"), "what helm does without a node is the test")
        settings = {**INGRESS, "ollama.chart.timeout": TIMEOUT, "preflight": {"off": unchecked}}
        with stack_on(cluster, tmp_path / "prod", "prod", settings) as stack:
            yield stack
    finally:
        local_cluster.stop(tmp_path / "cluster")


@pytest.mark.alone
def test_prod_without_a_gpu_node_fails_in_time_leaves_no_half_release_and_succeeds_once_there_is_one(
    gpuless: Stack,
) -> None:
    before = stored(gpuless.cluster)
    began = time.monotonic()
    printed = gpuless.fail("up", "--yes", "--skip-preview")
    assert TIMEOUT <= time.monotonic() - began < TIMEOUT + ALLOWANCE
    assert "kubernetes:helm.sh/v3:Release (ollama)" in printed

    eventually(lambda: not left(gpuless, before, "pods"))
    # The claim is kept by policy: what was pulled into it need not be pulled again.
    kept = {"namespaces", "configmaps", "serviceaccounts", "persistentvolumeclaims", "persistentvolumes"}
    kept |= {"networkpolicies", "limitranges"}
    assert {key.split("/")[0] for key in left(gpuless, before)} == kept
    assert left(gpuless, before, "serviceaccounts") == {"serviceaccounts/ollama/default"}
    assert left(gpuless, before, "configmaps") == {"configmaps/ollama/kube-root-ca.crt"}
    assert left(gpuless, before, "persistentvolumeclaims") == {"persistentvolumeclaims/ollama/ollama"}
    assert left(gpuless, before, "namespaces") == {"namespaces/ollama"}
    assert [name_of(item["urn"]) for item in gpuless.resources() if item["type"].endswith(":Release")] == []
    assert [item["urn"] for item in gpuless.resources() if "LibreChat" in item["urn"]] == []

    claim = left(gpuless, before, "persistentvolumes")
    assert local_cluster.start(gpuless.cluster.directory).origin == "reused"
    gpuless.change({"ollama.chart.timeout": 300})
    gpuless.up()
    assert claim <= left(gpuless, before, "persistentvolumes")
    (pod,) = list_pods(gpuless.api, gpuless.ollama)
    assert pod.spec.node_name == "gpu-node" and is_ready(pod)
    assert gpuless.output("releaseStatus") == {"ollama": "deployed", "librechat": "deployed"}


def left(stack: Stack, before: dict[str, Revision], kind: str = "") -> set[str]:
    """What the API server keeps and didn't keep before, of one kind or of all."""
    return {key for key in stored(stack.cluster).keys() - before.keys() if key.startswith(kind)}
