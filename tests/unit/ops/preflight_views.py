"""Builders for the tests of preflight: nodes, pods, manifests, and a view of a release as the checks get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.charts import OLLAMA, ChartLocation
from ops.preflight_checks.findings import Result, Said
from ops.preflight_checks.rendering import Release, Rendered
from ops.preflight_checks.view import Kind, View

LABELS = {"private-chatgpt/project": "private-chatgpt", "private-chatgpt/stack": "prod"}
KINDS = {
    ("v1", "Secret"): Kind("secrets", "", True),
    ("v1", "Service"): Kind("services", "", True),
    ("v1", "ServiceAccount"): Kind("serviceaccounts", "", True),
    ("v1", "PersistentVolumeClaim"): Kind("persistentvolumeclaims", "", True),
    ("v1", "Pod"): Kind("pods", "", True),
    ("apps/v1", "Deployment"): Kind("deployments", "apps", True),
    ("apps/v1", "StatefulSet"): Kind("statefulsets", "apps", True),
    ("batch/v1", "Job"): Kind("jobs", "batch", True),
    ("networking.k8s.io/v1", "Ingress"): Kind("ingresses", "networking.k8s.io", True),
    ("scheduling.k8s.io/v1", "PriorityClass"): Kind("priorityclasses", "scheduling.k8s.io", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): Kind("clusterroles", "rbac.authorization.k8s.io", False),
}
NAMESPACE = {"metadata": {"name": "ollama", "labels": LABELS}}


def release(name: str = "ollama", **parts: Any) -> Release:
    """Ollama's release, in the namespace of the same name."""
    made: dict[str, Any] = {"namespace": name, "chart": OLLAMA, "location": ChartLocation("./chart"), "values": {}}
    return Release(name=name, **{**made, "labels": LABELS, **parts})


def view(*manifests: Mapping[str, Any], of: Release | None = None, **parts: Any) -> View:
    """A release with these manifests, on a cluster that has nothing, in a namespace that is the stack's."""
    lists = (
        "nodes",
        "persistentvolumes",
        "storageclasses",
        "csidrivers",
        "ingressclasses",
        "ingresses",
        "runtimeclasses",
    )
    inside = ("resourcequotas", "limitranges", "persistentvolumeclaims", "pods")
    answers = {resource: [] for resource in (*lists, *inside)} | parts.pop("answers", {})
    rendered = parts.pop("rendered", None) or Rendered(of or release(), manifests)
    return View(rendered, **{"version": "v1.36.3", "namespace": NAMESPACE, "kinds": KINDS, "answers": answers, **parts})


def named(name: str, **parts: Any) -> dict[str, Any]:
    """An object of that name."""
    annotations = parts.pop("annotations", {})
    return {"metadata": {"name": name, "annotations": annotations}, **parts}


def node(name: str = "node", labels: Mapping[str, str] | None = None, **allocatable: str) -> dict[str, Any]:
    """A Ready node; amounts by resource, with `gpu` for nvidia.com/gpu."""
    amounts = {"cpu": "8", "memory": "32Gi", "pods": "110", **allocatable}
    if gpu := amounts.pop("gpu", None):
        amounts["nvidia.com/gpu"] = gpu
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64", **(labels or {})}},
        "spec": {},
        "status": {"allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def container(name: str = "main", limits: Mapping[str, str] | None = None, **requests: str) -> dict[str, Any]:
    """A container with these requests, with `gpu` for nvidia.com/gpu."""
    amounts = dict(requests)
    if gpu := amounts.pop("gpu", None):
        amounts["nvidia.com/gpu"] = gpu
    resources = {"requests": amounts, "limits": dict(limits or {})}
    return {"name": name, "image": "ollama/ollama:1", "resources": resources}


def pod(name: str = "other", phase: str = "Running", **requests: str) -> dict[str, Any]:
    """A pod that is there."""
    return {"metadata": {"name": name, "uid": name}, "spec": spec(**requests), "status": {"phase": phase}}


def spec(**requests: str) -> dict[str, Any]:
    """The spec of a pod with one container."""
    return {"containers": [container("main", None, **requests)]}


def workload(kind: str = "Deployment", name: str = "ollama", replicas: int = 1, **pod_spec: Any) -> dict[str, Any]:
    """A workload whose pods have that spec; one container without requests where none is given."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {**spec(), **pod_spec}}
    made: dict[str, Any] = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, **named(name), "spec": made}


def claim(name: str = "ollama", size: str = "30Gi", **parts: Any) -> dict[str, Any]:
    """The manifest of a claim."""
    made = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **parts}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **named(name), "spec": made}


def texts(said: Sequence[Said], result: Result) -> list[str]:
    """What was said with that result."""
    return [item.text for item in said if item.result is result]


def failed(said: Sequence[Said]) -> list[str]:
    """What failed, and nothing was left open."""
    assert not texts(said, Result.UNKNOWN)
    return texts(said, Result.FAILED)
