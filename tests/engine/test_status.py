"""`status` of a deployed stack: the simulated pods say nothing of models, those whose port leads somewhere do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api

from local.cluster import LocalCluster
from local.contents import CPU_NODE
from ops import status
from tests.engine.containers import led_here
from tests.engine.kube import at_rest, eventually, stored
from tests.engine.operations import AUTHOR, OLDER, ask, upgraded
from tests.engine.stacks import Stack, beside
from tests.ollama_api import serving


@pytest.fixture(scope="module")
def deployed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with upgraded(cluster, tmp_path_factory.mktemp("status"), beside("status")) as stack:
        yield stack


def test_a_deployed_stack_stands_on_one_screen_and_nothing_is_written(deployed: Stack) -> None:
    before = at_rest(deployed.cluster)
    answer = ask(status, deployed)
    assert stored(deployed.cluster) == before
    assert len(answer.out.splitlines()) < 24
    told = json.loads(ask(status, deployed, "--json").out)
    ollama, librechat = told["releases"]
    assert (ollama["release"], ollama["state"], ollama["ready"], ollama["pods"]) == ("ollama", "ready", 1, 1)
    assert (librechat["release"], librechat["state"], librechat["ready"], librechat["pods"]) == (
        "librechat",
        "ready",
        3,
        3,
    )
    assert (ollama["revision"]["number"], ollama["revision"]["chart_version"]) == (2, "1.77.0") != (1, OLDER)
    assert {claim["name"]: claim["phase"] for claim in librechat["claims"]} == {
        "librechat-images": "Bound",
        "librechat-meilisearch": "Bound",
        "datadir-librechat-mongodb-0": "Bound",
    }
    assert told["url"] == "http://localhost:3080"
    assert (told["last_change"]["message"], told["last_change"]["author"]) == ("More memory", AUTHOR)
    assert told["drift"] is False


@pytest.mark.alone
def test_where_no_container_runs_models_can_not_be_told(deployed: Stack) -> None:
    began = time.monotonic()
    answer = ask(status, deployed)
    assert time.monotonic() - began < 10
    assert answer.code == 2
    assert "could not tell: no port-forward to pod ollama-" in answer.out
    assert "no forward found for port 11434" in " ".join(answer.out.split())


def test_models_and_downloads_are_asked_through_the_api_server(
    deployed: Stack, cluster: LocalCluster, api: ApiClient, tmp_path: Path
) -> None:
    (tmp_path / "blobs").mkdir()
    answers = {"/api/tags": {"models": [{"name": "other:1b"}]}, "/api/ps": {"models": []}}
    with serving(answers) as port, led_here(cluster, api, CPU_NODE, port, tmp_path):
        waiting = ask(status, deployed)
        with (tmp_path / "blobs" / "sha256-0a-partial").open("wb") as file:
            file.truncate(400_000_000)
            file.write(os.urandom(8_000_000))
        pulling = ask(status, deployed, "--json")
        answers["/api/tags"] = answers["/api/ps"] = {"models": [{"name": "llama3.2:1b"}]}
        loaded = ask(status, deployed)
    assert (waiting.code, "llama3.2:1b (missing)" in waiting.out, "no download has begun" in waiting.out) == (1, 1, 1)
    assert pulling.code == 1
    models = json.loads(pulling.out)["models"]
    assert (models["present"], models["missing"]) == (["other:1b"], ["llama3.2:1b"])
    (download,) = models["downloads"]
    assert download["size"] == 400_000_000
    assert 8_000_000 <= download["arrived"] < 10_000_000
    assert (loaded.code, "llama3.2:1b (in memory)" in loaded.out) == (0, True), loaded.out


def test_a_pod_that_is_gone_and_a_backend_that_is_away_are_said(deployed: Stack, api: ApiClient) -> None:
    (stacks,) = deployed.engine.state_dir.glob(".pulumi/stacks/*")
    away = stacks.with_name("away")
    stacks.rename(away)
    try:
        answer = ask(status, deployed)
    finally:
        away.rename(stacks)
    assert answer.code == 2
    told = " ".join(answer.out.split())
    assert "could not tell by whom: the stack's history can't be read" in told
    assert "ago: revision 2 of ollama" in told or "ago: revision 2 of librechat" in told
    # Nobody schedules a pod there: it stays Pending, and so the release is not ready.
    CoreV1Api(api).patch_node(CPU_NODE, {"spec": {"unschedulable": True}})
    try:
        eventually(lambda: is_tainted(api, CPU_NODE))
        CoreV1Api(api).delete_collection_namespaced_pod(deployed.ollama, grace_period_seconds=0)
        eventually(lambda: not ready_replicas(api, deployed.ollama))
        pending = ask(status, deployed)
    finally:
        CoreV1Api(api).patch_node(CPU_NODE, {"spec": {"unschedulable": None}})
    assert pending.code == 1
    assert "not ready" in pending.out and "0 of 1" in pending.out
    assert "could not tell: no pod of Ollama runs" in pending.out


def is_tainted(api: ApiClient, node: str) -> bool:
    found: Any = CoreV1Api(api).read_node(node)
    return any(taint.key == "node.kubernetes.io/unschedulable" for taint in found.spec.taints or ())


def ready_replicas(api: ApiClient, namespace: str) -> int:
    found: Any = AppsV1Api(api).read_namespaced_deployment("ollama", namespace)
    return found.status.ready_replicas or 0
