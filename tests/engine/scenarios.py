"""What keeps a release from running: settings of a stack, and states of a cluster, each real and each undone again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, CoreV1Api, RbacAuthorizationV1Api, StorageV1Api

from components.loading import PROJECT_DIR
from local import cluster as local_cluster
from local.cluster import LocalCluster
from local.engine import PROJECT
from local.up import STAND_INS
from tests.engine.kube import eventually

Settings = Mapping[str, Any]
"""Settings of a stack by their keys, as `Stack.change` takes them."""


def project(directory: Path, cluster: LocalCluster, stack: str, settings: Settings) -> Path:
    """A copy of the project's data whose stack file names the cluster, with stand-in charts and these settings.

    For commands that read a stack file, without Pulumi: its encrypted values stay as they are.
    """
    shutil.copytree(PROJECT_DIR / "values", directory / "values", dirs_exist_ok=True)
    shutil.copy(PROJECT_DIR / "Pulumi.yaml", directory)
    document = yaml.safe_load((PROJECT_DIR / f"Pulumi.{stack}.yaml").read_text())
    everywhere = {"kubernetes:context": cluster.context, "charts": str(PROJECT_DIR / STAND_INS)}
    for key, value in {**everywhere, **settings}.items():
        *parents, last = (key if ":" in key else f"{PROJECT}:{key}").split(".")
        place = document["config"]
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    (directory / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))
    return directory


# --- settings ---------------------------------------------------------------------------------------------------------

NO_SUCH_GPU: Settings = {"ollama.gpu": {"count": 1, "vendor": "amd"}}
"""No node of a local cluster has AMD's."""
TOO_MANY_GPUS: Settings = {"ollama.gpu.count": 8, "ollama.nodeSelector": {"nvidia.com/gpu.present": "true"}}
"""The GPU node has four."""
UNKNOWN_STORAGE_CLASS: Settings = {"ollama.storage.class": "no-such-class"}
REACHED: Settings = {"librechat.host": "chat.example.com", "librechat.tlsSecret": "chat-tls"}
UNKNOWN_INGRESS_CLASS: Settings = {**REACHED, "librechat.ingressClass": "no-such-class"}
ESCALATING: Settings = {"ollama.values": {"securityContext": {"allowPrivilegeEscalation": True}}}
RESTRICTED: Settings = {"ollama.podSecurity": "restricted", **ESCALATING}
TOO_MUCH_MEMORY: Settings = {"ollama.resources.requests": {"memory": "4Ti"}}


# --- states of a cluster ----------------------------------------------------------------------------------------------


@contextmanager
def without_gpu_node(directory: Path) -> Iterator[LocalCluster]:
    """A cluster of its own that has a CPU node only."""
    try:
        yield local_cluster.start(directory, gpu=False)
    finally:
        local_cluster.stop(directory)


@contextmanager
def namespace(api: ApiClient, name: str, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    """A namespace with these labels. What is in it goes with it, some seconds later: take another name next time."""
    body: Any = {"metadata": {"name": name, "labels": dict(labels or {})}}
    CoreV1Api(api).create_namespace(body)
    try:
        yield name
    finally:
        CoreV1Api(api).delete_namespace(name)


def labels_of_stack(stack: str) -> dict[str, str]:
    """The labels by which a namespace is a stack's own."""
    owner = {"private-chatgpt/project": "private-chatgpt", "private-chatgpt/stack": stack}
    return {"app.kubernetes.io/managed-by": "pulumi", **owner}


def helm_metadata(name: str, release: str, namespace: str) -> dict[str, Any]:
    """The metadata by which helm takes an object for one of that release."""
    return {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace},
    }


def account_of_release(api: ApiClient, name: str, namespace: str, release: str, of_namespace: str = "") -> None:
    """A ServiceAccount that belongs to a release, of the same namespace or of another one."""
    body: Any = {"metadata": helm_metadata(name, release, of_namespace or namespace)}
    CoreV1Api(api).create_namespaced_service_account(namespace, body)


@contextmanager
def quota(api: ApiClient, namespace: str, hard: Mapping[str, str], name: str = "small", **spec: Any) -> Iterator[None]:
    """A ResourceQuota that is in force."""
    core = CoreV1Api(api)
    body: Any = {"metadata": {"name": name}, "spec": {"hard": dict(hard), **spec}}
    core.create_namespaced_resource_quota(namespace, body)

    def in_force() -> bool:
        found: Any = core.read_namespaced_resource_quota(name, namespace)
        return bool(found.status.hard)

    try:
        eventually(in_force)
        yield
    finally:
        core.delete_namespaced_resource_quota(name, namespace)


@contextmanager
def limit_range(api: ApiClient, namespace: str, *limits: Mapping[str, Any], name: str = "bounds") -> Iterator[None]:
    """A LimitRange with these items."""
    body: Any = {"metadata": {"name": name}, "spec": {"limits": list(limits)}}
    CoreV1Api(api).create_namespaced_limit_range(namespace, body)
    try:
        yield
    finally:
        CoreV1Api(api).delete_namespaced_limit_range(name, namespace)


@contextmanager
def storage_class(api: ApiClient, name: str, provisioner: str, *, default: bool = False) -> Iterator[None]:
    """A StorageClass, the default one or not."""
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    body: Any = {"metadata": {"name": name, "annotations": annotations}, "provisioner": provisioner}
    StorageV1Api(api).create_storage_class(body)
    try:
        yield
    finally:
        StorageV1Api(api).delete_storage_class(name)


READ_ALL: Mapping[str, Any] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
"""The rule of a user who may look at everything and change nothing."""


@contextmanager
def user(cluster: LocalCluster, api: ApiClient, kubeconfig: Path, rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A kubeconfig of a service account that may do what the rules say in every namespace; yields the user's name."""
    core, rbac = CoreV1Api(api), RbacAuthorizationV1Api(api)
    name = kubeconfig.stem
    account: Any = {"metadata": {"name": name}}
    role: Any = {"metadata": {"name": name}, "rules": [dict(rule) for rule in rules]}
    binding: Any = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
    }
    core.create_namespaced_service_account("default", account)
    rbac.create_cluster_role(role)
    rbac.create_cluster_role_binding(binding)
    try:
        request: Any = {"spec": {"expirationSeconds": 3600}}
        token: Any = core.create_namespaced_service_account_token(name, "default", request)
        document = yaml.safe_load(cluster.kubeconfig.read_text())
        document["users"][0]["user"] = {"token": token.status.token}
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(yaml.safe_dump(document))
        yield f"system:serviceaccount:default:{name}"
    finally:
        rbac.delete_cluster_role_binding(name)
        rbac.delete_cluster_role(name)
        core.delete_namespaced_service_account(name, "default")
