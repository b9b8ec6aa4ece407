"""`preflight` on a real API server: what it says before a release is created, and that it writes nothing."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient, NetworkingV1Api  # gitleaks:allow - it takes this for a key

from components.loading import PROJECT_DIR
from components.settings import all_settings
from local.cluster import LocalCluster
from local.up import STAND_INS
from ops import preflight
from tests.engine import scenarios
from tests.engine.kube import create_pod, empty_default_namespace, stored
from tests.engine.stacks import beside

pytestmark = pytest.mark.alone

PREFIX = "preflight"
OLLAMA = f"{PREFIX}-ollama"
HEALTHY = beside(PREFIX) | {"librechat.ingressClass": "nginx"}


@dataclass(frozen=True)
class Answer:
    """What `preflight` said."""

    code: int
    findings: list[dict[str, Any]]
    text: str
    seconds: float

    def of(self, check: str, release: str | None = None) -> list[dict[str, Any]]:
        """What one check said."""
        found = [item for item in self.findings if (item["check"], item["release"] or release) == (check, release)]
        assert found, self.text
        return found

    def results(self) -> dict[str, set[str]]:
        """The checks by result."""
        return {
            result: {item["check"] for item in self.findings if item["result"] == result}
            for result in ("ok", "failed", "could not tell", "off")
        }


Ask = Callable[..., Answer]


@pytest.fixture
def ask(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Runs the command for a stack that is not deployed, and holds it to writing nothing."""

    def run(changes: Mapping[str, Any], stack: str = "prod", on: LocalCluster = cluster, **files: Path) -> Answer:
        folder = scenarios.project(tmp_path / "project", on, stack, {**HEALTHY, **changes})
        monkeypatch.setattr(preflight, "PROJECT_DIR", folder)
        line = ["--stack", stack, "--kubeconfig", str(files.get("kubeconfig", on.kubeconfig))]
        capsys.readouterr()
        # Controllers clean up behind earlier tests: what they write meanwhile is not ours.
        deadline, before, after = time.monotonic() + 30, stored(on), None
        while after != before:
            assert time.monotonic() < deadline, "preflight wrote something"
            began, before = time.monotonic(), stored(on)
            code = preflight.main([*line, "--json"])
            seconds, after = time.monotonic() - began, stored(on)
            printed = json.loads(capsys.readouterr().out)
        assert preflight.main(line) == code
        return Answer(code, printed["findings"], capsys.readouterr().out, seconds)

    return run


# --- nothing speaks against it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_that_can_run_passes_every_check_in_seconds(ask: Ask, stack: str) -> None:
    answer = ask({}, stack)
    assert answer.code == 0, answer.text
    results = answer.results()
    assert not results["failed"] | results["could not tell"] | results["off"]
    assert len(results["ok"]) == 13
    assert answer.seconds < 10
    (line,) = answer.text.strip().splitlines()[-1:]
    assert line.startswith(f"Stack {stack}: 25 ok (") and line.endswith("nothing was changed)")


# --- each by itself ---------------------------------------------------------------------------------------------------


def only(answer: Answer, check: str, release: str, result: str = "failed") -> dict[str, Any]:
    """The one finding that is not ok; what hangs on it may be unknown."""
    failed = [item for item in answer.findings if item["result"] == result]
    assert [(item["check"], item["release"]) for item in failed] == [(check, release)], answer.text
    assert answer.code == 1
    return failed[0]


def test_a_cluster_without_a_gpu_node(ask: Ask, tmp_path: Path) -> None:
    with scenarios.without_gpu_node(tmp_path / "cluster") as cluster:
        answer = ask({}, on=cluster)
    found = only(answer, "gpu", "ollama")
    assert found["text"] == (
        'Deployment ollama: no node with free nvidia.com/gpu >= 1 matches {nvidia.com/gpu.present: "true"}: '
        "cpu-node: no label nvidia.com/gpu.present=true, no nvidia.com/gpu"
    )
    assert "ollama.gpu.count" in found["cure"] and "preflight.off.gpu" in found["cure"]
    assert answer.of("capacity", "ollama")[0]["result"] == "could not tell"


def test_gpus_of_another_maker(ask: Ask) -> None:
    answer = ask(scenarios.NO_SUCH_GPU, "dev")
    found = only(answer, "gpu", "ollama")
    assert "no node with free amd.com/gpu >= 1 takes it: cpu-node: no amd.com/gpu; gpu-node: " in found["text"]
    assert "taint nvidia.com/gpu:NoSchedule is not tolerated" in found["text"]


def test_more_gpus_than_any_node_has(ask: Ask) -> None:
    found = only(ask(scenarios.TOO_MANY_GPUS), "gpu", "ollama")
    assert "; cpu-node: " in found["text"]
    assert "gpu-node: nvidia.com/gpu: 8 asked, 4 in all" in found["text"]


def test_gpus_that_somebody_else_uses(ask: Ask, api: ApiClient) -> None:
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists"}
    create_pod(api, "greedy", gpus=3, tolerations=[toleration])
    try:
        assert ask({}).code == 0, "one is left"
        found = only(ask({"ollama.gpu.count": 2}), "gpu", "ollama")
    finally:
        empty_default_namespace(api)
    assert "gpu-node: nvidia.com/gpu: 2 asked, 1 free of 4 in all" in found["text"]


def test_a_taint_that_the_pods_do_not_bear(ask: Ask) -> None:
    found = only(ask({"ollama.nodeSelector": {"kubernetes.io/hostname": "gpu-node"}}, "dev"), "capacity", "ollama")
    assert "gpu-node: taint nvidia.com/gpu:NoSchedule is not tolerated" in found["text"]


def test_a_runtime_class_that_is_not_there(ask: Ask) -> None:
    found = only(ask({"ollama.gpu.runtimeClass": "kata"}), "gpu", "ollama")
    assert "asks for the RuntimeClass kata, which is not there; there is: nvidia" in found["text"]
    assert "(ollama.gpu.runtimeClass)" in found["cure"]


def test_an_unknown_storage_class(ask: Ask) -> None:
    found = only(ask(scenarios.UNKNOWN_STORAGE_CLASS), "storage", "ollama")
    assert found["text"] == (
        "claim ollama asks for a StorageClass no-such-class, which is not there; there is: standard (default)"
    )
    assert "(ollama.storage.class)" in found["cure"]


def test_a_storage_class_that_provisions_nothing(ask: Ask, api: ApiClient) -> None:
    with scenarios.storage_class(api, "by-hand", "kubernetes.io/no-provisioner"):
        found = only(ask({"ollama.storage.class": "by-hand"}), "storage", "ollama")
    assert "makes no volumes, and no free PersistentVolume of that class has 100Gi and ReadWriteOnce" in found["text"]


def test_a_storage_class_whose_driver_is_not_installed(ask: Ask, api: ApiClient) -> None:
    with scenarios.storage_class(api, "gp2", "kubernetes.io/aws-ebs"):
        found = only(ask({"ollama.storage.class": "gp2"}), "storage", "ollama")
    assert "the work of the CSI driver ebs.csi.aws.com now, and that is not installed" in found["text"]


def test_memory_that_no_node_has(ask: Ask) -> None:
    found = only(ask({**scenarios.TOO_MUCH_MEMORY, "ollama.resources.limits": {}}), "capacity", "ollama")
    assert "gpu-node: memory: 4Ti asked, 256Gi in all" in found["text"]
    assert "(ollama.resources.requests)" in found["cure"]


def test_pods_that_fit_each_but_not_together(ask: Ask) -> None:
    large = {"requests": {"cpu": "120"}}
    answer = ask({"ollama.resources": large, "librechat.resources": large}, "dev")
    found = only(answer, "capacity", "librechat")
    assert "no room for all pods together beside the releases before it: Deployment librechat (cpu 120" in found["text"]


def test_an_unknown_ingress_class_and_none_at_all(ask: Ask) -> None:
    found = only(ask(scenarios.UNKNOWN_INGRESS_CLASS), "ingressClass", "librechat")
    assert (
        found["text"]
        == "Ingress librechat asks for the IngressClass no-such-class, which is not there; there is: nginx"
    )
    found = only(ask({"librechat.ingressClass": None}), "ingressClass", "librechat")
    assert "names no IngressClass, and none is the default; there is: nginx" in found["text"]
    assert "(librechat.ingressClass)" in found["cure"]


def test_a_restricted_namespace_that_is_still_to_be_made(ask: Ask) -> None:
    found = only(ask(scenarios.RESTRICTED), "podSecurity", "ollama")
    assert found["text"].startswith(
        f"the level restricted of namespace {OLLAMA} refuses the pods of Deployment ollama: container ollama: "
    )
    assert "allowPrivilegeEscalation is not false" in found["text"] and "(ollama.podSecurity)" in found["cure"]


def test_a_restricted_namespace_that_is_there(ask: Ask, api: ApiClient) -> None:
    labels = scenarios.labels_of_stack("prod") | {"pod-security.kubernetes.io/enforce": "restricted"}
    with scenarios.namespace(api, "strict-ollama", labels):
        answer = ask({"ollama.namespace": "strict-ollama", "ollama.podSecurity": "privileged", **scenarios.ESCALATING})
    assert "(ollama.podSecurity)" not in only(answer, "podSecurity", "ollama")["cure"]


def test_a_chart_for_another_kubernetes(ask: Ask, cluster: LocalCluster, tmp_path: Path) -> None:
    charts = tmp_path / "charts"
    shutil.copytree(PROJECT_DIR / STAND_INS, charts)
    with (charts / "ollama" / "Chart.yaml").open("a") as file:
        file.write('kubeVersion: ">=1.99.0-0"\n')
    answer = ask({"charts": str(charts)})
    found = only(answer, "version", "ollama")
    assert found["text"].startswith("ollama 1.77.0 takes Kubernetes >=1.99.0-0, the cluster has v1.")
    assert {item["result"] for item in answer.findings if item["release"] == "librechat"} == {"ok"}
    assert answer.of("storage", "ollama")[0]["result"] == "could not tell"


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_a_namespace_of_somebody_else(ask: Ask, api: ApiClient) -> None:
    with scenarios.namespace(api, "their-ollama"):
        found = only(ask({"ollama.namespace": "their-ollama"}), "names", "ollama")
    assert found["text"] == (
        "the namespace their-ollama is there, and not this stack's: it belongs to no helm release and no stack"
    )
    with scenarios.namespace(api, "their-librechat", scenarios.labels_of_stack("staging")):
        found = only(ask({"librechat.namespace": "their-librechat"}), "names", "librechat")
    assert found["text"].endswith("it belongs to the stack staging of project private-chatgpt")
    assert "librechat.namespace" in found["cure"]


def test_names_that_another_release_has(ask: Ask, api: ApiClient) -> None:
    shared = {"ollama.namespace": "shared-ollama"}
    with scenarios.namespace(api, "shared-ollama", scenarios.labels_of_stack("prod")):
        assert ask(shared).code == 0, "an empty namespace of the stack is no obstacle"
        scenarios.account_of_release(api, "ollama", "shared-ollama", "theirs")
        found = only(ask(shared), "names", "ollama")
    assert found["text"].startswith(
        "ServiceAccount ollama is there already: it belongs to the helm release theirs in shared-ollama"
    )


def test_a_host_that_an_ingress_elsewhere_has(ask: Ask, api: ApiClient) -> None:
    service = {"service": {"name": "chat", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": service}]
    body: Any = {
        "metadata": {"name": "their-chat"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "chat.example.com", "http": {"paths": paths}}]},
    }
    NetworkingV1Api(api).create_namespaced_ingress("default", body)
    try:
        found = only(ask({}), "names", "librechat")
        assert ask({"librechat.host": "another.example.com"}).code == 0
    finally:
        NetworkingV1Api(api).delete_namespaced_ingress("their-chat", "default")
    assert found["text"].startswith(
        "Ingress librechat asks for chat.example.com/, which Ingress their-chat in namespace default has already"
    )
    assert "(librechat.host)" in found["cure"]


def test_a_namespace_of_another_release(ask: Ask, api: ApiClient) -> None:
    with scenarios.namespace(api, "release-ollama", {"app.kubernetes.io/managed-by": "Helm"}):
        scenarios.account_of_release(api, "ollama", "release-ollama", "ollama", "elsewhere")
        answer = ask({"ollama.namespace": "release-ollama"})
    failed = [item for item in answer.findings if item["result"] == "failed"]
    assert [item["check"] for item in failed] == ["names", "names"]
    assert failed[0]["text"].endswith("it is managed by Helm")
    assert "it belongs to the helm release ollama in elsewhere" in failed[1]["text"]


# --- quota and limit ranges -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(api: ApiClient) -> Iterator[str]:
    """Ollama's namespace, already made by the stack."""
    with scenarios.namespace(api, "bounded-ollama", scenarios.labels_of_stack("prod")) as name:
        yield name


@pytest.mark.parametrize(
    ("hard", "text"),
    [
        ({"requests.memory": "8Gi"}, "requests.memory 16Gi more is needed, and 0 of 8Gi is in use"),
        ({"cpu": "3500m"}, "cpu 4 more is needed, and 0 of 3500m is in use"),
        ({"limits.memory": "31Gi"}, "limits.memory 32Gi more is needed, and 0 of 31Gi is in use"),
        ({"requests.nvidia.com/gpu": "0"}, "requests.nvidia.com/gpu 1 more is needed, and 0 of 0 is in use"),
        ({"requests.storage": "99Gi"}, "requests.storage 100Gi more is needed, and 0 of 99Gi is in use"),
        ({"persistentvolumeclaims": "0"}, "persistentvolumeclaims 1 more is needed, and 0 of 0 is in use"),
        ({"pods": "0"}, "pods 1 more is needed, and 0 of 0 is in use"),
        ({"count/deployments.apps": "0"}, "count/deployments.apps 1 more is needed, and 0 of 0 is in use"),
        ({"services": "0"}, "services 1 more is needed, and 0 of 0 is in use"),
        (
            {"standard.storageclass.storage.k8s.io/requests.storage": "1Gi"},
            "standard.storageclass.storage.k8s.io/requests.storage 100Gi more is needed, and 0 of 1Gi is in use",
        ),
    ],
)
def test_a_quota_that_is_too_small(ask: Ask, api: ApiClient, place: str, hard: Mapping[str, str], text: str) -> None:
    with scenarios.quota(api, place, hard):
        found = only(ask({"ollama.namespace": place}), "quota", "ollama")
    assert found["text"] == f"quota small: {text}"


def test_a_quota_that_is_large_enough_or_of_other_pods(ask: Ask, api: ApiClient, place: str) -> None:
    hard = {"requests.memory": "16Gi", "cpu": "4", "limits.memory": "32Gi", "requests.storage": "100Gi", "pods": "1"}
    with (
        scenarios.quota(api, place, hard),
        scenarios.quota(api, place, {"pods": "0"}, name="best-effort", scopes=["BestEffort"]),
    ):
        answer = ask({"ollama.namespace": place})
    assert answer.code == 0, answer.text


def test_a_quota_that_demands_what_a_container_does_not_say(ask: Ask, api: ApiClient, place: str) -> None:
    hard = {"limits.cpu": "100"}
    with scenarios.quota(api, place, hard):
        found = only(ask({"ollama.namespace": place}), "quota", "ollama")
        assert "demands limits.cpu of every container, and Deployment ollama has one without" in found["text"]
        with scenarios.limit_range(api, place, {"type": "Container", "default": {"cpu": "8"}}):
            assert ask({"ollama.namespace": place}).code == 0, "the LimitRange gives it"


def test_a_limit_range_that_allows_less(ask: Ask, api: ApiClient, place: str) -> None:
    with scenarios.limit_range(api, place, {"type": "Container", "max": {"memory": "8Gi"}}):
        found = only(ask({"ollama.namespace": place}), "limitRange", "ollama")
    assert found["text"] == (
        "Deployment ollama, container ollama: memory 32Gi is more than the 8Gi that is allowed (LimitRange bounds)"
    )
    with scenarios.limit_range(api, place, {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}}):
        found = only(ask({"ollama.namespace": place}), "limitRange", "ollama")
    assert found["text"].startswith("claim ollama: storage 100Gi is more than the 10Gi")


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_a_user_who_may_only_look(ask: Ask, cluster: LocalCluster, api: ApiClient, tmp_path: Path) -> None:
    with scenarios.user(cluster, api, tmp_path / "looker", [scenarios.READ_ALL]) as name:
        answer = ask({}, kubeconfig=tmp_path / "looker")
    failed = [item for item in answer.findings if item["result"] == "failed"]
    assert {item["check"] for item in failed} == {"permissions"}
    assert not answer.results()["could not tell"], "it needs no right to write"
    texts = [item["text"] for item in failed]
    assert f"{name} may not do this in the whole cluster: namespaces: create, patch" in texts
    inside = next(text for text in texts if f"in namespace {OLLAMA}" in text)
    assert "deployments.apps: create, delete, patch" in inside
    assert "secrets: create, delete, update" in inside
    assert "replicasets" not in inside, "it may list those"
    assert any("ingresses.networking.k8s.io: create, delete, patch" in text for text in texts)


def test_a_user_who_may_do_nothing_is_told_what_could_not_be_told(
    ask: Ask, cluster: LocalCluster, api: ApiClient, tmp_path: Path
) -> None:
    with scenarios.user(cluster, api, tmp_path / "nobody", []):
        answer = ask({}, kubeconfig=tmp_path / "nobody")
    assert answer.code == 1
    assert answer.results()["failed"] == {"permissions"}
    (nodes,) = answer.of("capacity", "ollama")
    assert (nodes["result"], nodes["text"]) == ("could not tell", "the cluster's nodes can't be read: not allowed")


def test_pods_that_may_not_be_listed_leave_open_whether_there_is_room(
    ask: Ask, cluster: LocalCluster, api: ApiClient, tmp_path: Path
) -> None:
    rule = {"apiGroups": ["", "node.k8s.io"], "resources": ["nodes", "runtimeclasses"], "verbs": ["get", "list"]}
    with scenarios.user(cluster, api, tmp_path / "half", [rule]):
        answer = ask({}, kubeconfig=tmp_path / "half")
        too_much = ask(scenarios.TOO_MANY_GPUS, kubeconfig=tmp_path / "half")
    (gpu,) = answer.of("gpu", "ollama")
    assert gpu["result"] == "could not tell"
    assert "whether nvidia.com/gpu >= 1 is free on gpu-node can't be told" in gpu["text"]
    assert too_much.of("gpu", "ollama")[0]["result"] == "failed", "more than the node has is told all the same"


# --- off, and could not tell ------------------------------------------------------------------------------------------


def test_a_check_that_is_switched_off_says_why_and_does_not_fail(ask: Ask) -> None:
    off = {"gpu": "nodes come from an autoscaler"}
    answer = ask({**scenarios.TOO_MANY_GPUS, "preflight": {"off": off}})
    assert answer.code == 0, answer.text
    assert [(item["result"], item["text"]) for item in answer.of("gpu", "ollama")] == [
        ("off", "switched off: nodes come from an autoscaler")
    ]


def test_without_helm_only_what_needs_the_manifests_is_open(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    answer = ask({})
    assert answer.code == 2
    results = answer.results()
    assert not results["failed"]
    assert "storage" in results["could not tell"] and "reachable" in results["ok"]
    assert answer.of("storage", "ollama")[0]["text"].startswith("helm is not on PATH")


def test_without_helm_a_namespace_of_somebody_else_is_still_seen(
    ask: Ask, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with scenarios.namespace(api, "taken-ollama"):
        answer = ask({"ollama.namespace": "taken-ollama"})
    assert answer.code == 1
    assert [item["result"] for item in answer.of("names", "ollama")] == ["failed", "could not tell"]


def test_a_chart_repository_that_does_not_answer(ask: Ask) -> None:
    answer = ask({"charts": "http://127.0.0.1:9"})
    assert answer.code == 2
    text = answer.of("storage", "ollama")[0]["text"]
    assert text.startswith("helm can't get ollama 1.77.0 from http://127.0.0.1:9: ")


def test_a_cluster_that_does_not_answer_is_said_in_seconds(ask: Ask, cluster: LocalCluster, tmp_path: Path) -> None:
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    answer = ask({}, kubeconfig=tmp_path / "kubeconfig")
    assert answer.code == 1 and answer.seconds < 10
    (found,) = answer.of("reachable")
    assert found["result"] == "failed" and found["text"].startswith("the cluster does not answer: ")
    others = {item["result"] for item in answer.findings if item is not found}
    assert others == {"could not tell"}


def test_a_context_that_is_not_in_the_kubeconfig(ask: Ask) -> None:
    answer = ask({"kubernetes:context": "kwok-elsewhere"})
    (found,) = answer.of("reachable")
    assert "the kubeconfig context 'kwok-elsewhere' can't be used" in found["text"]


def test_every_setting_that_a_cure_names_is_one(ask: Ask) -> None:
    known = set(all_settings())
    answer = ask({**scenarios.TOO_MANY_GPUS, **scenarios.UNKNOWN_STORAGE_CLASS, **scenarios.UNKNOWN_INGRESS_CLASS})
    cures = " ".join(item["cure"] for item in answer.findings)
    named = {word.strip("(),;") for word in cures.split() if word.startswith(("(ollama.", "(librechat."))}
    assert named and named <= known
