"""`why` of a stack that is deployed: nothing wrong, upgrades that were rolled back, a cluster that doesn't answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from local.cluster import LocalCluster
from ops import diagnosis, why
from tests.engine.asking import PLAYED, ask, fail, failing, failing_meanwhile
from tests.engine.interrupting import SLOW
from tests.engine.kube import eventually
from tests.engine.kubelet import played_node
from tests.engine.leaks import keys_of, leaks
from tests.engine.scenarios import UNKNOWN_INGRESS_CLASS, quota
from tests.engine.stacks import Stack


@pytest.fixture(scope="module")
def deployed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is deployed, though its Ingress names a class that is not there."""
    with failing(cluster, tmp_path_factory.mktemp("deployed"), "why", {**UNKNOWN_INGRESS_CLASS, **SLOW}) as stack:
        stack.up()
        yield stack


def test_a_missing_ingress_class_keeps_no_release_from_being_ready(deployed: Stack) -> None:
    answer = ask(deployed)
    assert answer.code == 0
    for release in answer.releases.values():
        assert (release["state"], release["causes"], release["notes"]) == ("ready", [], [])
    assert answer.text.count("nothing wrong: revision") == 2


def test_a_quota_too_small_for_an_upgrade_that_was_rolled_back(deployed: Stack) -> None:
    with (
        quota(deployed.api, deployed.ollama, {"requests.memory": "3Gi"}),
        # Helm's way back gets the same time.
        deployed.changed({"ollama.resources.requests.memory": "4Gi", "ollama.chart.timeout": PLAYED}),
    ):
        fail(deployed)
        answer = ask(deployed)
    ollama = answer.releases["ollama"]
    assert ollama["state"] == "rolled back"
    assert "failed and was rolled back; what was before it runs" in ollama["headline"]
    assert answer.first["kind"] == "refused"
    assert answer.first["text"].startswith("quota small is exceeded: requests.memory=4Gi asked")
    assert "ollama.resources.requests" in answer.first["cure"]
    assert answer.releases["librechat"]["state"] == "ready"
    deployed.up()
    assert ask(deployed).code == 0, "an upgrade that succeeds ends the story"


def test_a_crash_shows_its_exit_code_and_last_log_lines_and_no_secret(
    deployed: Stack, cluster: LocalCluster, api: ApiClient
) -> None:
    keys = keys_of(deployed)
    secrets = [keys[f"librechat-credentials/{key}"] for key in ("MONGO_URI", "CREDS_KEY", "JWT_SECRET")]
    log = ["first", *(f"noise {number}" for number in range(20)), *(f"using {text}" for text in secrets), "no MongoDB"]
    # No container runs on kwok's nodes: the pod goes to one whose kubelet is played here, with its status and its log.
    with played_node(cluster, api) as node:
        there = {"nodeSelector": node.selector, "tolerations": node.tolerations}
        with deployed.changed({"librechat.values": there, "librechat.chart.timeout": PLAYED}):
            with failing_meanwhile(deployed):
                pod = node.pod(deployed.librechat)
                ended = {"exitCode": 3, "reason": "Error", "message": f"bye {secrets[1]}"}
                waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
                node.logs[f"{pod.metadata.name}/{pod.spec.containers[0].name}/previous"] = "\n".join(log)
                node.report(pod, "Running", {"waiting": waiting}, restartCount=2, lastState={"terminated": ended})
                live = ask(deployed)
                node.report(pod, "Running", {"running": {}})
                node.tell(pod, "Unhealthy", f"Readiness probe failed: HTTP probe failed: key {secrets[1]}")
                probe = ask(deployed)
                node.tell(pod, "BackOff", f"Back-off restarting failed container librechat in {pod.metadata.name}")
                eventually(lambda: node.is_to_end(pod), 2 * PLAYED)
                node.end(pod)
            gone = ask(deployed)
    assert live.first["kind"] == "crash"
    assert live.first["text"] == "container librechat ends with exit code 3, restarted 2 times"
    assert live.first["details"] == [*(f"log: noise {number}" for number in range(16, 20)), *USING, "log: no MongoDB"]
    assert probe.first["kind"] == "probe"
    assert probe.first["text"] == "container librechat runs, but readiness probe failed: HTTP probe failed: key ***"
    assert gone.releases["librechat"]["state"] == "rolled back"
    assert gone.first["kind"] == "crash"
    said = {f"answer {number}": answer.text.encode() for number, answer in enumerate((live, probe, gone))}
    assert leaks(keys, said) == []


USING = 3 * ["log: using ***"]


def test_a_cluster_that_does_not_answer_is_not_judged(
    deployed: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document: Any = yaml.safe_load(deployed.engine.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    releases = [why.Release("ollama", "ollama", {})]
    began = time.monotonic()
    assert why.report(deployed.cluster.context, file, releases) == 2
    assert time.monotonic() - began < 10
    assert "the cluster does not answer: " in capsys.readouterr().err
    assert why.report("no-such-context", file, releases) == 2
    assert "'no-such-context' can't be used" in capsys.readouterr().err
    (line,) = diagnosis.explain_failure(deployed.cluster.context, file, "ollama", "ollama", None).lines
    assert "could not look into it: the cluster does not answer: " in line
