"""`why` after a first `up` has failed: helm has taken everything back, and the specific cause still comes first."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, CoreV1Api

from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.up import STAND_INS
from ops.diagnosis.scheduling import UNBOUND
from tests.engine.asking import PLAYED, ask, explained, fail, failing, failing_meanwhile
from tests.engine.kube import eventually
from tests.engine.kubelet import played_node
from tests.engine.scenarios import (
    NO_SUCH_GPU,
    RESTRICTED,
    TOO_MANY_GPUS,
    UNKNOWN_STORAGE_CLASS,
    account_of_release,
    quota,
    user,
)


def test_no_node_with_such_a_gpu(cluster: LocalCluster, tmp_path: Path) -> None:
    with failing(cluster, tmp_path, "no-gpu", NO_SUCH_GPU) as stack:
        assert "context deadline exceeded" in fail(stack)
        answer = ask(stack)
    assert answer.code == 1
    assert answer.first["kind"] == "node"
    assert answer.first["subject"].startswith("Deployment ollama, pod ollama-")
    assert answer.first["text"] == "no node can take it"
    assert "cpu-node: no amd.com/gpu" in answer.first["details"]
    assert "gpu-node: taint nvidia.com/gpu:NoSchedule is not tolerated; no amd.com/gpu" in answer.first["details"]
    # What was missing first is what the event keeps saying: nodes, or a claim that was bound a moment later.
    scheduler = answer.first["details"][-1]
    assert scheduler.startswith("scheduler: 0/2 nodes are available: ")
    assert "Insufficient amd.com/gpu" in scheduler or UNBOUND in scheduler
    assert answer.first["cure"] == "add a node that has enough amd.com/gpu free, or ask for fewer (ollama.gpu.count)"
    assert answer.releases["librechat"]["headline"] == "not deployed: there is no namespace no-gpu-librechat"


def test_more_gpus_than_any_node_has(cluster: LocalCluster, tmp_path: Path) -> None:
    with failing(cluster, tmp_path, "gpus", TOO_MANY_GPUS) as stack:
        fail(stack)
        answer = ask(stack)
    assert answer.first["kind"] == "node"
    assert answer.first["details"][:2] == [
        "cpu-node: no label nvidia.com/gpu.present=true; no nvidia.com/gpu",
        "gpu-node: nvidia.com/gpu 8 asked, 4 in all",
    ]
    # The other node lacks more: it doesn't say what to do.
    assert answer.first["cure"] == "add a node that has enough nvidia.com/gpu free, or ask for fewer (ollama.gpu.count)"


def test_an_unknown_storage_class_and_what_it_leaves_behind(cluster: LocalCluster, tmp_path: Path) -> None:
    with failing(cluster, tmp_path, "storage", UNKNOWN_STORAGE_CLASS) as stack:
        fail(stack)
        answer = ask(stack)
        assert answer.first["kind"] == "claim"
        assert answer.first["text"] == 'there is no StorageClass "no-such-class"'
        assert answer.first["details"] == ["StorageClasses of the cluster: standard (default)"]
        assert "kubectl -n storage-ollama delete pvc ollama" in answer.first["cure"]
        assert [cause["kind"] for cause in answer.causes] == ["claim"], "the waiting pod is no cause of its own"

        # Another class alone doesn't help: the claim that is kept can't change its own.
        stack.change({"ollama.storage.class": "standard"})
        began = datetime.now(UTC)
        lines = explained(stack, fail(stack), began)
        unchangeable = "PersistentVolumeClaim ollama: it is there already and can't be changed: spec: Forbidden"
        assert lines[1].startswith(f"  {unchangeable}")
        assert "kubectl -n storage-ollama delete pvc ollama" in "\n".join(lines)

        # What the cure says, said and done, leads to the next cause and not back to the last one.
        core = CoreV1Api(stack.api)
        core.delete_namespaced_persistent_volume_claim("ollama", stack.ollama)

        def forgotten() -> bool:
            found: Any = core.read_namespaced_resource_quota("small", stack.ollama)
            return bool(found.status.used == {"requests.storage": "0"})

        with quota(stack.api, stack.ollama, {"requests.storage": "1Gi"}):
            # A claim stays until no pod uses it, and counts in a new quota until the quota's controller saw it go.
            eventually(forgotten)

            def scaled_up() -> bool:
                began = datetime.now(UTC)
                lines = explained(stack, fail(stack), began)
                asked = "requests.storage=5Gi asked, requests.storage=0 used, requests.storage=1Gi allowed"
                assert lines[1] == f"  persistentvolumeclaims ollama: quota small is exceeded: {asked}"
                events: list[Any] = core.list_namespaced_event(stack.ollama).items
                seen = [event.last_timestamp for event in events if "Scaled up" in (event.message or "")]
                return bool(max(seen) >= began.replace(microsecond=0))

            # Helm takes it all back at once, perhaps before a controller has seen it: then no event tells of the try.
            eventually(scaled_up, 400)
            # An event of the pod that misses its claim is left, or none at all.
            answer = ask(stack)
            assert "quota small: requests.storage 0 of 1Gi used" in answer.text
            assert "no-such-class" not in answer.text


def test_pod_security_that_refuses_the_pods(cluster: LocalCluster, tmp_path: Path) -> None:
    with failing(cluster, tmp_path, "security", RESTRICTED) as stack:
        fail(stack)
        answer = ask(stack)
    assert answer.first["kind"] == "refused"
    assert answer.first["subject"] == "Deployment ollama"
    assert answer.first["text"] == 'pod security level "restricted:latest" of the namespace refuses its pods'
    assert any("allowPrivilegeEscalation" in line for line in answer.first["details"])
    assert len(answer.causes) == 1


def test_a_service_account_that_is_not_there_and_then_somebody_elses(cluster: LocalCluster, tmp_path: Path) -> None:
    # Values that leave the account out are refused: a chart does it here.
    charts = shutil.copytree(PROJECT_DIR / STAND_INS, tmp_path / "without-account")
    (charts / "ollama" / "templates" / "service_account.yaml").unlink()
    with failing(cluster, tmp_path, "account", {"charts": str(charts)}) as stack:
        fail(stack)
        answer = ask(stack)
        assert answer.first["kind"] == "refused"
        assert answer.first["text"] == 'its service account "ollama" is not there'

        stack.change({"charts": STAND_INS})
        account_of_release(stack.api, "ollama", stack.ollama, "theirs")
        began = datetime.now(UTC)
        printed = fail(stack)
        assert "invalid ownership metadata" in printed
        owned = 'ServiceAccount ollama: belongs to the release "theirs": helm does not take it over'
        assert explained(stack, printed, began)[1] == f"  {owned}"
        answer = ask(stack)
    assert (answer.first["kind"], f"{answer.first['subject']}: {answer.first['text']}") == ("helm", owned)


def test_a_user_who_may_not_create_deployments(cluster: LocalCluster, api: ApiClient, tmp_path: Path) -> None:
    groups = ["", "networking.k8s.io", "policy", "authorization.k8s.io"]
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch", "patch", "update", "delete"]},
        {"apiGroups": groups, "resources": ["*"], "verbs": ["create"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["create"]},
    ]
    kubeconfig = tmp_path / "why-deployer"
    with (
        user(cluster, api, kubeconfig, rules) as name,
        failing(cluster, tmp_path / "engine", "forbidden", {}) as stack,
    ):
        limited = replace(stack, engine=replace(stack.engine, kubeconfig=kubeconfig))
        began = datetime.now(UTC)
        printed = fail(limited)
        assert 'cannot create resource "deployments"' in printed
        assert explained(limited, printed, began)[1].endswith(f"{name} may not create deployments")
        answer = ask(limited)
    assert answer.code == 1
    assert answer.first["kind"] == "helm"
    assert answer.first["text"] == "the kubeconfig's user may not create its deployments.apps"


def test_an_image_that_cannot_be_pulled_from_the_first_try_to_when_only_events_are_left(
    cluster: LocalCluster, api: ApiClient, tmp_path: Path
) -> None:
    refused = (
        'Failed to pull image "ollama/ollama:0.0.0": rpc error: code = NotFound desc = failed to pull and unpack image '
        '"docker.io/ollama/ollama:0.0.0": docker.io/ollama/ollama:0.0.0: not found'
    )
    # kwok pulls no image: the pod goes to a node whose kubelet is played here.
    with played_node(cluster, api) as node:
        there = {"ollama.nodeSelector": node.selector, "ollama.tolerations": node.tolerations}
        with failing(cluster, tmp_path, "image", {**there, "ollama.chart.timeout": PLAYED}) as stack:
            with failing_meanwhile(stack):
                pod = node.pod(stack.ollama)
                back_off = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "ollama/ollama:0.0.0"'}
                node.report(pod, "Pending", {"waiting": back_off})
                node.tell(pod, "Failed", refused)
                node.tell(pod, "Failed", "Error: ErrImagePull")
                live = ask(stack)
            ending = ask(stack)
            node.end(pod)
            gone = ask(stack)
    answers = (live, ending, gone)
    assert [answer.releases["ollama"]["state"] for answer in answers] == ["pending", *2 * ["not installed"]]
    for answer in answers:
        assert answer.first["kind"] == "image"
        assert answer.first["subject"] == f"Deployment ollama, pod {pod.metadata.name}"
        assert answer.first["text"].startswith("image ollama/ollama:0.0.0 can't be pulled: NotFound: ")
        assert "registry, name and tag" in answer.first["cure"]


def test_a_stack_that_was_never_deployed_is_not_judged(cluster: LocalCluster, tmp_path: Path) -> None:
    with failing(cluster, tmp_path, "never", {}) as stack:
        answer = ask(stack)
    assert answer.code == 2
    assert answer.text.count("not deployed: there is no namespace never-") == 2
