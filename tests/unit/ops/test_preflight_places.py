"""Checks `names`, `permissions`, `version`, `ingressClass` and `architecture`."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight_checks.access import needed, permissions
from ops.preflight_checks.architecture import AMD64, ARM64, architecture, platforms_of
from ops.preflight_checks.findings import CouldNotTellError, Result
from ops.preflight_checks.ingress import ingress_class
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.names import names, refs_of
from ops.preflight_checks.rendering import Rendered
from ops.preflight_checks.versions import version
from ops.preflight_checks.view import Access, Unreadable
from tests.unit.ops.preflight_views import (
    KINDS,
    LABELS,
    claim,
    failed,
    named,
    node,
    release,
    spec,
    texts,
    view,
    workload,
)

UNRENDERED = Rendered(release(), missing="helm is not on PATH")
DEPLOYMENT = Ref("apps/v1", "Deployment", "ollama", "ollama")


def of_helm(release_name: str = "ollama", namespace: str = "ollama", manager: str = "Helm") -> dict[str, Any]:
    owner = {"meta.helm.sh/release-name": release_name, "meta.helm.sh/release-namespace": namespace}
    made = named("ollama", annotations=owner)
    made["metadata"]["labels"] = {"app.kubernetes.io/managed-by": manager}
    return made


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_that_are_free_or_the_releases_own_are_no_obstacle() -> None:
    for live in ({}, {DEPLOYMENT: None}, {DEPLOYMENT: of_helm()}):
        assert not failed(list(names(view(live=live))))
    (said,) = names(view(namespace=None, live={DEPLOYMENT: None}))
    assert said.text == "there is no namespace ollama yet"


@pytest.mark.parametrize(
    ("there", "owner"),
    [
        (of_helm("theirs"), "it belongs to the helm release theirs in ollama"),
        (of_helm(namespace="elsewhere"), "it belongs to the helm release ollama in elsewhere"),
        (of_helm(manager="argocd"), "it belongs to the helm release ollama in ollama"),
        (named("ollama"), "it belongs to no helm release and no stack"),
    ],
)
def test_an_object_that_helm_would_not_take_over_fails(there: dict[str, Any], owner: str) -> None:
    (text,) = failed(list(names(view(live={DEPLOYMENT: there}))))
    assert text == (
        f"Deployment ollama is there already: {owner}; it would have to be made by release ollama of this stack"
    )


def test_a_secret_that_the_stack_makes_has_to_be_the_stacks() -> None:
    chat = release("librechat", secrets=("keys",))
    ref, own = Ref("v1", "Secret", "librechat", "keys"), named("keys")
    own["metadata"]["labels"] = LABELS
    assert not failed(list(names(view(of=chat, live={ref: own}))))
    own["metadata"]["labels"] = {**LABELS, "private-chatgpt/stack": "dev"}
    (text,) = failed(list(names(view(of=chat, live={ref: own}))))
    assert "it belongs to the stack dev of project private-chatgpt" in text


def test_a_namespace_of_somebody_else_or_on_its_way_out_fails() -> None:
    (text,) = failed(list(names(view(namespace=named("ollama")))))
    assert text.startswith("the namespace ollama is there, and not this stack's: ")
    ending = {"metadata": {"name": "ollama", "labels": LABELS, "deletionTimestamp": "2026-11-21T00:00:00Z"}}
    (text,) = failed(list(names(view(namespace=ending))))
    assert text == "the namespace ollama is being deleted: nothing can be made in it"


@pytest.mark.parametrize(
    ("theirs", "ours", "fails"),
    [("blue", "red", True), ("blue", None, True), ("blue", "blue", False), (None, "red", False)],
)
def test_a_namespace_that_names_another_team_is_not_the_stack_s(theirs: Any, ours: Any, fails: bool) -> None:
    def labels(team: str | None) -> dict[str, str]:
        return {**LABELS, **({"private-chatgpt/team": team} if team else {})}

    there = {"metadata": {"name": "ollama", "labels": labels(theirs)}}
    said = failed(list(names(view(of=release(labels=labels(ours)), namespace=there))))
    assert [text.rpartition(": ")[2] for text in said] == (
        ["it belongs to the stack prod of project private-chatgpt, of team blue"] if fails else []
    )


def test_a_namespace_or_name_that_may_not_be_read_is_not_judged() -> None:
    with pytest.raises(CouldNotTellError, match="the namespace can't be read: not allowed"):
        list(names(view(namespace=Unreadable("not allowed"))))
    said = list(names(view(live={DEPLOYMENT: Unreadable("not allowed")})))
    assert texts(said, Result.UNKNOWN) == ["whether some names are free can't be told: not allowed"]


def test_what_is_going_to_be_made_is_looked_up_in_its_own_namespace_and_hooks_are_not() -> None:
    elsewhere = workload(name="elsewhere")
    elsewhere["metadata"]["namespace"] = "tools"
    hook = workload(name="hook")
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", **named("role")}
    odd = {"apiVersion": "example.com/v1", "kind": "Odd", **named("odd")}
    found = refs_of(release(secrets=("keys",)), [workload(), elsewhere, hook, role, odd], KINDS)
    assert found == [
        Ref("v1", "Secret", "ollama", "keys"),
        DEPLOYMENT,
        Ref("apps/v1", "Deployment", "tools", "elsewhere"),
        Ref("rbac.authorization.k8s.io/v1", "ClusterRole", "", "role"),
    ]


def at(host: str, path: str = "/", namespace: str = "theirs", **spec: Any) -> dict[str, Any]:
    """An Ingress at that host and path."""
    rules = [{"host": host, "http": {"paths": [{"path": path}]}}]
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", **named("chat")}
    made["metadata"]["namespace"] = namespace
    return {**made, "spec": {"rules": rules, **spec}}


CHAT = release("librechat")


def told_of_hosts(own: dict[str, Any], *live: dict[str, Any]) -> list[str]:
    return failed(list(names(view(own, of=CHAT, answers={"ingresses": live}))))


def test_a_host_that_an_ingress_of_another_namespace_has_fails_and_is_named_with_it() -> None:
    assert told_of_hosts(at("chat.example.com"), at("other.example.com"), at("chat.example.com")) == [
        "Ingress chat asks for chat.example.com/, which Ingress chat in namespace theirs has already: one of the two "
        "would answer for both"
    ]
    (said,) = [
        item
        for item in names(view(at("a.example.com"), of=CHAT, answers={"ingresses": [at("a.example.com")]}))
        if item.result is Result.FAILED
    ]
    assert "Choose another host (librechat.host)" in said.cure
    assert "kubectl get ingress chat -n theirs -o yaml" in said.cure


@pytest.mark.parametrize(
    "live",
    [
        at("chat.example.com", namespace="librechat"),
        at("chat.example.com", "/oauth2"),
        at("chat.example.com", ingressClassName="internal"),
        at("other.example.com"),
        {**at("x"), "spec": {"defaultBackend": {"service": {"name": "all"}}}},
        {**at("x"), "spec": {"rules": [{"http": {"paths": [{"path": "/"}]}}, {"host": "chat.example.com"}]}},
    ],
)
def test_its_own_ingress_another_path_and_another_controller_leave_the_host_free(live: dict[str, Any]) -> None:
    assert told_of_hosts(at("chat.example.com", ingressClassName="nginx"), live) == []


def test_whoever_may_not_list_ingresses_is_told_so_where_there_is_a_host() -> None:
    denied = {"ingresses": Unreadable("not allowed")}
    said = list(names(view(at("chat.example.com"), of=CHAT, answers=denied)))
    assert texts(said, Result.UNKNOWN) == [
        "whether the host is free can't be told: the cluster's ingresses can't be read: not allowed"
    ]
    assert not failed(list(names(view(workload(), answers=denied))))


# --- permissions ------------------------------------------------------------------------------------------------------


def allowed(*manifests: Any, **parts: Any) -> set[str]:
    """What is asked for, as `verb resource namespace`."""
    found = needed(parts.pop("of", release()), manifests, KINDS, namespace_is_there=parts.get("there", False))
    return {f"{access} {access.namespace}".strip() for access in found}


def test_every_kind_that_is_made_has_its_verbs_asked_for() -> None:
    found = allowed(workload(), claim())
    verbs = ("get", "create", "patch", "delete")
    assert {f"{verb} deployments.apps ollama" for verb in verbs} <= found
    assert {f"{verb} persistentvolumeclaims ollama" for verb in verbs} <= found
    assert {f"{verb} secrets ollama" for verb in ("get", "list", "create", "update", "delete")} <= found
    assert "list replicasets.apps ollama" in found
    assert {text for text in found if "namespaces" in text} == {
        *("get namespaces", "create namespaces", "patch namespaces")
    }


def test_a_namespace_that_is_there_need_not_be_created() -> None:
    assert "create namespaces" not in allowed(there=True)


def test_hooks_are_watched_and_objects_of_the_cluster_are_asked_for_there() -> None:
    hook = {"apiVersion": "batch/v1", "kind": "Job", **named("once", annotations={"helm.sh/hook": "pre-install"})}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", **named("role")}
    found = allowed(hook, role)
    assert "watch jobs.batch ollama" in found
    assert "create clusterroles.rbac.authorization.k8s.io" in found
    assert "patch secrets ollama" not in found
    assert "patch secrets ollama" in allowed(of=release(secrets=("keys",)))


def test_a_priority_class_is_deleted_too_when_another_takes_its_place() -> None:
    around = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", **named("ollama-pods-5")}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", **named("meilisearch")}
    found = allowed(of=release(around=(around, account)))
    assert {f"{verb} priorityclasses.scheduling.k8s.io" for verb in ("get", "create", "patch", "delete")} <= found
    assert "delete serviceaccounts ollama" not in found


def test_what_is_denied_is_told_by_namespace_and_resource() -> None:
    denied = [Access("create", "deployments", "apps", "ollama"), Access("patch", "deployments", "apps", "ollama")]
    said = list(permissions(view(denied=[*denied, Access("create", "namespaces", "", "")], user="ci")))
    assert failed(said) == [
        "ci may not do this in namespace ollama: deployments.apps: create, patch",
        "ci may not do this in the whole cluster: namespaces: create",
    ]
    assert "with a Role" in said[0].cure and "with a ClusterRole" in said[1].cure


def test_without_an_answer_or_manifests_permissions_are_not_called_enough() -> None:
    with pytest.raises(CouldNotTellError, match="does not say what ci may do: 404"):
        list(permissions(view(denied=Unreadable("404 Not Found"), user="ci")))
    assert Result.UNKNOWN in {item.result for item in permissions(view(rendered=UNRENDERED))}


# --- version ----------------------------------------------------------------------------------------------------------


def test_a_chart_for_another_version_fails_and_says_which_it_takes() -> None:
    refused = Rendered(release(), takes=">=1.99.0-0", refused=True, missing="not rendered")
    (text,) = failed(list(version(view(rendered=refused))))
    assert text == "ollama 1.77.0 takes Kubernetes >=1.99.0-0, the cluster has v1.36.3"
    (said,) = version(view(rendered=Rendered(release(), takes="^1.16.0-0")))
    assert said.text == "Kubernetes v1.36.3; ollama 1.77.0 takes ^1.16.0-0"
    with pytest.raises(CouldNotTellError, match="helm is not on PATH"):
        list(version(view(rendered=UNRENDERED)))


def test_a_kind_that_the_cluster_does_not_serve_fails() -> None:
    monitor = {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", **named("ollama")}
    old = {"apiVersion": "extensions/v1beta1", "kind": "Ingress", **named("ollama")}
    assert failed(list(version(view(monitor, old, workload())))) == [
        "the cluster serves no monitoring.coreos.com/v1 ServiceMonitor; ollama is one",
        "the cluster serves no extensions/v1beta1 Ingress, only networking.k8s.io/v1; ollama is one",
    ]


# --- ingress class ----------------------------------------------------------------------------------------------------


def ingress(**parts: Any) -> dict[str, Any]:
    annotations = parts.pop("annotations", {})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        **named("chat", annotations=annotations),
        "spec": parts,
    }


NGINX = named("nginx")
DEFAULT = named("traefik", annotations={"ingressclass.kubernetes.io/is-default-class": "true"})


def test_a_class_that_is_there_or_the_default_serves_the_ingress() -> None:
    on = {"ingressclasses": [NGINX, DEFAULT]}
    assert [item.text for item in ingress_class(view(ingress(ingressClassName="nginx"), answers=on))] == [
        "Ingress chat: IngressClass nginx"
    ]
    assert [item.text for item in ingress_class(view(ingress(), answers=on))] == ["Ingress chat: IngressClass traefik"]


def test_a_missing_class_and_a_missing_default_fail() -> None:
    chat = release("librechat")
    said = list(ingress_class(view(ingress(ingressClassName="haproxy"), of=chat, answers={"ingressclasses": [NGINX]})))
    assert failed(said) == ["Ingress chat asks for the IngressClass haproxy, which is not there; there is: nginx"]
    assert "(librechat.ingressClass)" in said[0].cure
    (text,) = failed(list(ingress_class(view(ingress(), answers={"ingressclasses": [NGINX]}))))
    assert text == "Ingress chat names no IngressClass, and none is the default; there is: nginx"
    (text,) = failed(list(ingress_class(view(ingress()))))
    assert text.endswith("there is: none")


def test_a_class_by_annotation_need_not_be_an_object_and_without_an_ingress_nothing_is_asked() -> None:
    old = ingress(annotations={"kubernetes.io/ingress.class": "haproxy"})
    assert not failed(list(ingress_class(view(old))))
    (said,) = ingress_class(view(workload(), answers={"ingressclasses": Unreadable("not allowed")}))
    assert said.text == "no Ingress is made"
    with pytest.raises(CouldNotTellError, match="ingressclasses"):
        list(ingress_class(view(ingress(), answers={"ingressclasses": Unreadable("not allowed")})))


# --- architecture -----------------------------------------------------------------------------------------------------


def arm() -> dict[str, Any]:
    return node("arm", {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"})


def running(image: str, **parts: Any) -> dict[str, Any]:
    return workload(containers=[{"name": "main", "image": image}], **parts)


MONGODB = running("docker.io/bitnamilegacy/mongodb:8.0.13-debian-12-r0")


@pytest.mark.parametrize(
    ("image", "platforms"),
    [
        ("docker.io/bitnamilegacy/mongodb:8.0.13-debian-12-r0", (AMD64,)),
        ("bitnamilegacy/mongodb@sha256:0123", (AMD64,)),
        ("ollama/ollama:0.32.15", (AMD64, ARM64)),
        ("ollama/ollama:0.32.15-rocm", (AMD64,)),
        ("ollama/ollama", (AMD64, ARM64)),
        ("registry.librechat.ai/danny-avila/librechat:v0.8.7", (AMD64, ARM64)),
        ("mirror.example.com:5000/hub/getmeili/meilisearch:v1.7.3", (AMD64, ARM64)),
        ("mirror.example.com:5000/getmeili/meilisearch", (AMD64, ARM64)),
        ("example.com/not-ollama/ollama-fork:1", None),
        ("notbitnamilegacy/mongodb:1", None),
        ("busybox", None),
    ],
)
def test_what_an_image_is_built_for_is_known_by_its_repository_and_tag(image: str, platforms: Any) -> None:
    assert platforms_of(image) == platforms


def test_on_amd64_every_image_runs() -> None:
    (said,) = architecture(view(MONGODB, running("busybox"), answers={"nodes": [node()]}))
    assert said.text == "every node is linux/amd64, for which every image is built"


def test_an_image_that_must_or_may_come_to_a_node_it_is_not_built_for_fails() -> None:
    (text,) = failed(list(architecture(view(MONGODB, answers={"nodes": [arm()]}))))
    assert text == (
        "Deployment ollama: it must come to arm (linux/arm64), and "
        "docker.io/bitnamilegacy/mongodb:8.0.13-debian-12-r0 is built for linux/amd64 only"
    )
    said = list(architecture(view(MONGODB, answers={"nodes": [arm(), node()]})))
    assert "it may come to arm (linux/arm64)" in failed(said)[0]
    assert "kubernetes.io/arch in ollama.values" in said[0].cure


def test_a_node_selector_or_an_image_for_both_is_fine() -> None:
    led = running("bitnamilegacy/mongodb:8", nodeSelector={"kubernetes.io/arch": "amd64"})
    (said,) = architecture(view(led, running("ollama/ollama:1"), answers={"nodes": [arm(), node()]}))
    assert said.text == "every image is built for the nodes that its pod may get (linux/amd64, linux/arm64)"


def test_an_unknown_image_on_another_architecture_is_not_judged() -> None:
    (said,) = architecture(view(running("busybox"), answers={"nodes": [arm()]}))
    assert said.result is Result.UNKNOWN and "for what busybox is built is not known here" in said.text


def test_the_platform_of_a_node_without_labels_is_what_its_kubelet_says() -> None:
    bare = {**node(), "metadata": {"name": "bare"}}
    bare["status"]["nodeInfo"] = {"operatingSystem": "windows", "architecture": "amd64"}
    assert "windows/amd64" in failed(list(architecture(view(MONGODB, answers={"nodes": [bare]}))))[0]


def test_a_pod_spec_alone_needs_no_room_to_be_asked_for() -> None:
    full = arm()
    full["status"]["allocatable"]["cpu"] = "0"
    crowded = workload(**spec(cpu="4"))
    crowded["spec"]["template"]["spec"]["containers"][0]["image"] = "bitnamilegacy/mongodb:8"
    assert failed(list(architecture(view(crowded, answers={"nodes": [full]}))))
