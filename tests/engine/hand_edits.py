"""Edits inside a release as people make them, and what drift has to say of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.engine.editing import JSON_PATCH, Edit, Hand, container, pod

OLLAMA = "apps/v1/deployments/ollama"
MONGODB = "apps/v1/statefulsets/librechat-mongodb"
CONTAINER = "spec.template.spec.containers[ollama]"
DEPLOYMENT = "Deployment/ollama"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
Told = tuple[str, str, str, str]
"""Object, field, change, manager."""


@dataclass(frozen=True)
class Case:
    name: str
    edit: Edit
    told: list[Told]
    release: str = "ollama"


def _removal(path: str) -> list[dict[str, str]]:
    return [{"op": "remove", "path": path}]


def _port(hand: Hand) -> None:
    body = [{"op": "replace", "path": "/spec/ports/0/port", "value": 11435}]
    hand.patch("v1/services/ollama", body, content=JSON_PATCH)


def _unset_env(hand: Hand) -> None:
    hand.patch(OLLAMA, container("ollama", env=[{"name": "OLLAMA_HOST", "$patch": "delete"}]), "kubectl-set")


def _server_side(hand: Hand) -> None:
    labels = {"app.kubernetes.io/name": "ollama", "app.kubernetes.io/instance": "ollama"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ollama"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "ollama", "image": "someone/else:1", "stdin": True}]},
            },
        },
    }
    hand.apply(OLLAMA, body, "somebody")


CASES = [
    Case("scale", lambda hand: hand.scale(OLLAMA, 3), [(DEPLOYMENT, "spec.replicas", "changed", "kubectl")]),
    Case(
        "image",
        lambda hand: hand.patch(OLLAMA, container("ollama", image="someone/else:1"), "kubectl-set"),
        [(DEPLOYMENT, f"{CONTAINER}.image", "changed", "kubectl-set")],
    ),
    Case(
        "environment added",
        lambda hand: hand.patch(OLLAMA, container("ollama", env=[{"name": "FOO", "value": "bar"}]), "kubectl-set"),
        [(DEPLOYMENT, f"{CONTAINER}.env[FOO]", "added", "kubectl-set")],
    ),
    Case(
        "environment changed",
        lambda hand: hand.patch(OLLAMA, container("ollama", env=[{"name": "OLLAMA_HOST", "value": "x"}])),
        [(DEPLOYMENT, f"{CONTAINER}.env[OLLAMA_HOST].value", "changed", "kubectl-patch")],
    ),
    Case("environment removed", _unset_env, [(DEPLOYMENT, f"{CONTAINER}.env[OLLAMA_HOST]", "removed", "unknown")]),
    Case(
        "annotation",
        lambda hand: hand.patch(OLLAMA, {"metadata": {"annotations": {"a.b/c": "d"}}}, "kubectl-annotate"),
        [(DEPLOYMENT, "metadata.annotations[a.b/c]", "added", "kubectl-annotate")],
    ),
    Case(
        "label",
        lambda hand: hand.patch(OLLAMA, {"metadata": {"labels": {"app.kubernetes.io/version": "9"}}}, "kubectl-label"),
        [(DEPLOYMENT, "metadata.labels[app.kubernetes.io/version]", "changed", "kubectl-label")],
    ),
    Case(
        "label of the pods",
        lambda hand: hand.patch(OLLAMA, {"spec": {"template": {"metadata": {"labels": {"x": "y"}}}}}),
        [(DEPLOYMENT, "spec.template.metadata.labels.x", "added", "kubectl-patch")],
    ),
    Case("port of a Service", _port, [("Service/ollama", "spec.ports[http].port", "changed", "kubectl-patch")]),
    Case(
        "type of a Service",
        lambda hand: hand.patch("v1/services/ollama", {"spec": {"type": "NodePort"}}),
        [
            ("Service/ollama", "spec.type", "changed", "kubectl-patch"),
            ("Service/ollama", "spec.externalTrafficPolicy", "added", "kubectl-patch"),
            ("Service/ollama", "spec.ports[11434/TCP].nodePort", "added", "unknown"),
        ],
    ),
    Case(
        "resources",
        lambda hand: hand.patch(OLLAMA, container("ollama", resources={"limits": {"memory": "8Gi"}}), "kubectl-set"),
        [(DEPLOYMENT, f"{CONTAINER}.resources.limits.memory", "changed", "kubectl-set")],
    ),
    Case(
        "probe",
        lambda hand: hand.patch(OLLAMA, container("ollama", readinessProbe={"periodSeconds": 60})),
        [(DEPLOYMENT, f"{CONTAINER}.readinessProbe.periodSeconds", "changed", "kubectl-patch")],
    ),
    Case(
        "probe removed",
        lambda hand: hand.patch(
            OLLAMA, _removal("/spec/template/spec/containers/0/livenessProbe"), content=JSON_PATCH
        ),
        [(DEPLOYMENT, f"{CONTAINER}.livenessProbe", "removed", "unknown")],
    ),
    Case(
        "container added",
        lambda hand: hand.patch(OLLAMA, container("side", image="busybox")),
        [(DEPLOYMENT, "spec.template.spec.containers[side]", "added", "kubectl-patch")],
    ),
    Case(
        "volume added",
        lambda hand: hand.patch(OLLAMA, pod({"volumes": [{"name": "more", "emptyDir": {}}]})),
        [(DEPLOYMENT, "spec.template.spec.volumes[more]", "added", "kubectl-patch")],
    ),
    Case(
        "node selector",
        lambda hand: hand.patch(OLLAMA, pod({"nodeSelector": {"kubernetes.io/os": "linux"}})),
        [(DEPLOYMENT, "spec.template.spec.nodeSelector", "added", "kubectl-patch")],
    ),
    Case(
        "a default of the server",
        lambda hand: hand.patch(OLLAMA, {"spec": {"revisionHistoryLimit": 3}}),
        [(DEPLOYMENT, "spec.revisionHistoryLimit", "changed", "kubectl-patch")],
    ),
    Case(
        "update strategy",
        lambda hand: hand.patch(OLLAMA, {"spec": {"strategy": {"type": "RollingUpdate"}}}),
        [
            (DEPLOYMENT, "spec.strategy.type", "changed", "kubectl-patch"),
            (DEPLOYMENT, "spec.strategy.rollingUpdate", "added", "kubectl-patch"),
        ],
    ),
    Case(
        "server-side apply",
        _server_side,
        [
            (DEPLOYMENT, "spec.replicas", "changed", "somebody"),
            (DEPLOYMENT, f"{CONTAINER}.image", "changed", "somebody"),
            (DEPLOYMENT, f"{CONTAINER}.stdin", "added", "somebody"),
        ],
    ),
    Case(
        "claim's annotation deleted",
        lambda hand: hand.patch(
            "v1/persistentvolumeclaims/ollama", {"metadata": {"annotations": {"helm.sh/resource-policy": None}}}
        ),
        [("PersistentVolumeClaim/ollama", "metadata.annotations[helm.sh/resource-policy]", "removed", "unknown")],
    ),
    Case(
        "finalizer",
        lambda hand: hand.patch("v1/services/ollama", {"metadata": {"finalizers": ["example.com/hold"]}}),
        [("Service/ollama", "metadata.finalizers", "added", "kubectl-patch")],
    ),
    Case("Deployment deleted", lambda hand: hand.delete(OLLAMA), [(DEPLOYMENT, "", "deleted", "unknown")]),
    Case(
        "key of a ConfigMap",
        lambda hand: hand.patch("v1/configmaps/librechat-configenv", {"data": {"APP_TITLE": "Mine"}}, "kubectl-edit"),
        [("ConfigMap/librechat-configenv", "data.APP_TITLE", "changed", "kubectl-edit")],
        "librechat",
    ),
    Case(
        "key added to a ConfigMap",
        lambda hand: hand.patch("v1/configmaps/librechat-configenv", {"data": {"MORE": "1"}}, "kubectl-edit"),
        [("ConfigMap/librechat-configenv", "data.MORE", "added", "kubectl-edit")],
        "librechat",
    ),
    Case(
        "ConfigMap deleted",
        lambda hand: hand.delete("v1/configmaps/librechat-configenv"),
        [("ConfigMap/librechat-configenv", "", "deleted", "unknown")],
        "librechat",
    ),
    Case(
        "NetworkPolicy deleted",
        lambda hand: hand.delete("networking.k8s.io/v1/networkpolicies/librechat-mongodb"),
        [("NetworkPolicy/librechat-mongodb", "", "deleted", "unknown")],
        "librechat",
    ),
    Case(
        "restart",
        lambda hand: hand.patch(
            OLLAMA,
            {"spec": {"template": {"metadata": {"annotations": {RESTARTED: "2026-11-21T12:00:00Z"}}}}},
            "kubectl-rollout",
        ),
        [(DEPLOYMENT, "spec.template.metadata.annotations", "added", "kubectl-rollout")],
    ),
    Case(
        "Service deleted",
        lambda hand: hand.delete("v1/services/ollama"),
        [("Service/ollama", "", "deleted", "unknown")],
    ),
    Case(
        "budget changed",
        lambda hand: hand.patch(
            "policy/v1/poddisruptionbudgets/librechat-mongodb", {"spec": {"maxUnavailable": 2}}, "kubectl-edit"
        ),
        [("PodDisruptionBudget/librechat-mongodb", "spec.maxUnavailable", "changed", "kubectl-edit")],
        "librechat",
    ),
    Case(
        "template of a StatefulSet",
        lambda hand: hand.patch(MONGODB, container("mongodb", image="mongo:9"), "kubectl-set"),
        [("StatefulSet/librechat-mongodb", "spec.template.spec.containers[mongodb].image", "changed", "kubectl-set")],
        "librechat",
    ),
]  # fmt: skip

FOREIGN: list[tuple[str, dict[str, Any]]] = [
    ("v1/configmaps/by-hand", {"data": {"a": "b"}}),
    (
        "networking.k8s.io/v1/ingresses/by-hand",
        {"spec": {"defaultBackend": {"service": {"name": "ollama", "port": {"number": 11434}}}}},
    ),
    (
        "autoscaling/v2/horizontalpodautoscalers/by-hand",
        {
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ollama"},
            }
        },
    ),
]
