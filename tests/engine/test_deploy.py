"""`pulumi up` of the settings in the repo ends with everything in its place."""

from typing import Any

import yaml
from kubernetes.client import AppsV1Api, CoreV1Api, NetworkingV1Api

from tests.engine.kube import is_ready, list_pods, stored_in
from tests.engine.stacks import Stack


def test_every_pod_is_ready(stack: Stack) -> None:
    pods = {namespace: list_pods(stack.api, namespace) for namespace in (stack.ollama, stack.librechat)}
    assert [pod.metadata.name.partition("-")[0] for pod in pods[stack.ollama]] == ["ollama"]
    assert {app_of(pod) for pod in pods[stack.librechat]} == {"librechat", "mongodb", "meilisearch"}
    assert [pod.metadata.name for found in pods.values() for pod in found if not is_ready(pod)] == []


def test_every_claim_is_bound_at_the_size_that_the_stack_asks_for(stack: Stack) -> None:
    config = yaml.safe_load(stack.config.read_text())["config"]
    chat = config["private-chatgpt:librechat"]["storage"]
    expected = {
        (stack.ollama, "ollama"): config["private-chatgpt:ollama"]["storage"]["size"],
        (stack.librechat, "librechat-images"): chat["images"],
        (stack.librechat, "datadir-librechat-mongodb-0"): chat["mongodb"],
        (stack.librechat, "librechat-meilisearch"): chat["meilisearch"],
    }
    claims: list[Any] = [
        claim
        for namespace in (stack.ollama, stack.librechat)
        for claim in CoreV1Api(stack.api).list_namespaced_persistent_volume_claim(namespace).items
    ]
    sizes = {(item.metadata.namespace, item.metadata.name): item.spec.resources.requests["storage"] for item in claims}
    assert sizes == expected
    assert {claim.status.phase for claim in claims} == {"Bound"}


def test_librechat_is_begun_only_when_ollama_is_complete(stack: Stack) -> None:
    ollama, librechat = stored_in(stack.cluster, stack.ollama), stored_in(stack.cluster, stack.librechat)
    for namespace, objects in ((stack.ollama, ollama), (stack.librechat, librechat)):
        kinds = {key.split("/")[0] for key in objects}
        assert {"namespaces", "deployments", "pods", "persistentvolumeclaims", "services", "secrets"} <= kinds
        assert f"secrets/{namespace}/sh.helm.release.v1.{namespace}.v1" in objects
    begun = min(revision.created for revision in librechat.values())
    assert {key for key, revision in ollama.items() if revision.created > begun} == set()
    # Helm's record of the release is written last, when every pod is Ready.
    assert ollama[f"secrets/{stack.ollama}/sh.helm.release.v1.ollama.v1"].changed < begun


def test_the_stack_tells_what_is_deployed(stack: Stack) -> None:
    core = CoreV1Api(stack.api)
    assert stack.output("releaseStatus") == {"ollama": "deployed", "librechat": "deployed"}
    assert stack.output("namespaces") == {"ollama": stack.ollama, "librechat": stack.librechat}
    for namespace in (stack.ollama, stack.librechat):
        found: Any = core.read_namespace(namespace)
        labels = {key: value for key, value in found.metadata.labels.items() if key != "kubernetes.io/metadata.name"}
        assert labels == {
            "app.kubernetes.io/managed-by": "pulumi",
            "private-chatgpt/project": "private-chatgpt",
            "private-chatgpt/stack": stack.name,
            **{f"pod-security.kubernetes.io/{part}": "restricted" for part in ("enforce", "warn", "audit")},
        }
    *_, namespace, _, service, ports = stack.output("portForward").split()
    found = core.read_namespaced_service(service.removeprefix("service/"), namespace)
    assert [port.port for port in found.spec.ports] == [int(ports.split(":")[1])]


def test_the_pod_pulls_exactly_the_models_of_the_stack(stack: Stack) -> None:
    deployment: Any = AppsV1Api(stack.api).read_namespaced_deployment("ollama", stack.ollama)
    script = deployment.spec.template.spec.containers[0].lifecycle.post_start._exec.command[-1]
    pulled = [line.split()[-1] for line in script.splitlines() if "ollama pull" in line]
    assert pulled == stack.output("models")
    assert pulled == yaml.safe_load(stack.config.read_text())["config"]["private-chatgpt:ollama"]["models"]


def test_the_gpu_pod_sits_on_the_gpu_node_with_a_gpu_of_its_own(prod: Stack) -> None:
    (pod,) = list_pods(prod.api, prod.ollama)
    assert pod.spec.node_name == "gpu-node"
    assert pod.spec.containers[0].resources.limits["nvidia.com/gpu"] == "1"
    assert pod.spec.runtime_class_name == "nvidia"
    assert pod.spec.node_selector == {"nvidia.com/gpu.present": "true"}
    borne = [(item.key, item.operator, item.value, item.effect) for item in pod.spec.tolerations]
    assert ("nvidia.com/gpu", "Exists", None, "NoSchedule") in borne
    assert ("dedicated", "Equal", "gpu", "NoSchedule") in borne
    assert {other.spec.node_name for other in list_pods(prod.api, prod.librechat)} == {"cpu-node"}


def test_the_pod_of_a_cpu_stack_keeps_off_the_gpu_node(dev: Stack) -> None:
    (pod,) = list_pods(dev.api, dev.ollama)
    assert pod.spec.node_name == "cpu-node"
    assert "nvidia.com/gpu" not in pod.spec.containers[0].resources.limits
    assert (pod.spec.runtime_class_name, pod.spec.node_selector) == (None, None)


def test_only_the_host_of_the_chat_leads_in_from_outside(prod: Stack) -> None:
    ingresses: list[Any] = NetworkingV1Api(prod.api).list_ingress_for_all_namespaces().items
    assert [(found.metadata.namespace, found.metadata.name) for found in ingresses] == [(prod.librechat, "librechat")]
    spec = ingresses[0].spec
    assert [(rule.host, [path.path for path in rule.http.paths]) for rule in spec.rules] == [
        ("chat.example.com", ["/"])
    ]
    assert [(item.hosts, item.secret_name) for item in spec.tls] == [(["chat.example.com"], "chat-example-com-tls")]
    backend = spec.rules[0].http.paths[0].backend.service
    service: Any = CoreV1Api(prod.api).read_namespaced_service(backend.name, prod.librechat)
    assert backend.port.number in [port.port for port in service.spec.ports]
    assert service.spec.selector == deployment_labels(prod)


def test_a_stack_on_localhost_has_no_ingress(dev: Stack) -> None:
    network = NetworkingV1Api(dev.api)
    assert [network.list_namespaced_ingress(namespace).items for namespace in (dev.ollama, dev.librechat)] == [[], []]


def test_no_service_and_no_pod_opens_a_port_of_a_node(stack: Stack) -> None:
    core = CoreV1Api(stack.api)
    services: list[Any] = [
        service
        for namespace in (stack.ollama, stack.librechat)
        for service in core.list_namespaced_service(namespace).items
    ]
    assert len(services) == len(["ollama", "librechat", "mongodb", "meilisearch"])
    for service in services:
        assert (service.spec.type, service.spec.external_ips) == ("ClusterIP", None), service.metadata.name
    for pod in [pod for namespace in (stack.ollama, stack.librechat) for pod in list_pods(stack.api, namespace)]:
        assert not pod.spec.host_network, pod.metadata.name
        ports = [port.host_port for container in pod.spec.containers for port in container.ports or []]
        assert ports and not any(ports), pod.metadata.name


def deployment_labels(stack: Stack) -> dict[str, str]:
    deployment: Any = AppsV1Api(stack.api).read_namespaced_deployment("librechat", stack.librechat)
    labels: dict[str, str] = deployment.spec.selector.match_labels
    return labels


def app_of(pod: Any) -> str:
    return str(pod.metadata.labels["app.kubernetes.io/name"])
