"""Ollama has no authentication: a way to it from outside of the cluster is an error unless somebody asks or says so."""

from __future__ import annotations

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import Changes, attempt, deploy, load_settings
from tests.unit.recording import POLICY, QUOTA, STACK

INGRESS = {"enabled": True, "hosts": [{"host": "models.example.com", "paths": [{"path": "/", "pathType": "Prefix"}]}]}
NGINX, ALB = "nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/"
MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"
ARN = {f"{ALB}certificate-arn": "arn:aws:acm:eu-central-1:1:certificate/models"}
TLS = {"tls": [{"secretName": "models", "hosts": ["models.example.com"]}]}
VERIFYING = {f"{NGINX}auth-tls-secret": "models/ca", f"{NGINX}force-ssl-redirect": "true"}
KNATIVE = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "models"}}


def extra(kind: str, **spec: Any) -> dict[str, Any]:
    """An object beside the chart's own."""
    return {"kind": kind, "metadata": {"name": "models"}, "spec": spec}


def values(**keys: Any) -> dict[str, Any]:
    """Changes of prod: these Helm values of Ollama."""
    return {"ollama": {"values": keys}}


def fault(changes: Changes) -> str:
    """The one fault, found before anything is registered."""
    deployment = attempt("prod", changes)
    assert isinstance(deployment.error, SettingsError), deployment.error
    assert {item.type for item in deployment.registrations} <= {STACK}
    count, text = str(deployment.error).splitlines()
    assert count.startswith("1 setting can't be used")
    return text.strip()


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"ingress": INGRESS}, "ingress.enabled found true"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.enabled found true"),
        ({"gateway": {"enabled": True, "className": "nginx"}}, "gateway.enabled found true"),
        ({"knative": {"enabled": True}}, "knative.enabled found true"),
        ({"service": {"type": "NodePort"}}, "service.type found NodePort"),
        ({"service": {"type": "LoadBalancer"}}, "service.type found LoadBalancer"),
        ({"hostNetwork": True}, "hostNetwork found true"),
        ({"hostNetwork": "true"}, "hostNetwork found true"),
        ({"extraObjects": [extra("Ingress")]}, "extraObjects.0 found Ingress"),
        ({"extraObjects": [extra("ConfigMap"), extra("HTTPRoute")]}, "extraObjects.1 found HTTPRoute"),
        ({"extraObjects": {"way": extra("IngressRoute")}}, "extraObjects.way found IngressRoute"),
        ({"extraObjects": [extra("Service", type="NodePort")]}, "extraObjects.0 found NodePort"),
        ({"extraObjects": [extra("Service", externalIPs=["203.0.113.7"])]}, "extraObjects.0 found LoadBalancer"),
        ({"extraObjects": [KNATIVE]}, "extraObjects.0 found Service of Knative"),
        ({"extraObjects": [{"kind": "List", "items": [extra("Ingress")]}]}, "extraObjects.0 found Ingress"),
        ({"extraObjects": ["kind: Ingress\nmetadata:\n  name: {{ .Release.Name }}\n"]}, "extraObjects.0 found Ingress"),
        ({"extraObjects": ["kind: Service\nspec:\n  type: LoadBalancer\n"]}, "extraObjects.0 found LoadBalancer"),
        ({"extraObjects": ["{kind: Service, spec: {type: NodePort}}"]}, "extraObjects.0 found NodePort"),
        ({"extraObjects": [extra("Service", type="{{ .Values.type }}")]}, "extraObjects.0 found {{ .Values.type }}"),
        ({"extraObjects": [extra("{{ .Values.kind }}")]}, "extraObjects.0 found {{ .Values.kind }}"),
    ],
)
def test_every_way_in_from_outside_is_an_error_that_names_its_place(keys: dict[str, Any], found: str) -> None:
    text = fault(values(**keys))
    assert text.startswith(f"Pulumi.prod.yaml: ollama.values: {found}, which leads to Ollama from outside")
    assert text.endswith("or ollama.publicWithoutAuthentication: true")
    public = {"values": keys, "publicWithoutAuthentication": True}
    load_settings("prod", {"ollama": public})


@pytest.mark.parametrize(
    "annotations",
    [
        {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "people"},
        {f"{NGINX}auth-url": "https://login.example.com/auth"},
        VERIFYING,
        {f"{ALB}auth-type": "oidc", **ARN},
        {f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": '[{"HTTPS": 443}, {"HTTPS": 8443}]'},
        {
            f"{ALB}auth-type": "oidc",
            f"{ALB}listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]',
            f"{ALB}ssl-redirect": "443",
        },
        {f"{ALB}auth-type": "cognito", f"{ALB}auth-on-unauthenticated-request": "deny", **ARN},
        {MIDDLEWARES: "models-basic-auth@kubernetescrd"},
        {MIDDLEWARES: "models-compress@kubernetescrd,models-forwardauth@kubernetescrd"},
    ],
)
def test_an_ingress_that_asks_who_calls_is_let_through(annotations: dict[str, str]) -> None:
    deployment = deploy("prod", values(ingress={**INGRESS, "annotations": annotations}))
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    _, controller = rule["from"]
    assert controller == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}


@pytest.mark.parametrize("more", [{}, {f"{NGINX}satisfy": "any"}, {f"{NGINX}ssl-redirect": "true"}])
def test_a_certificate_of_the_caller_is_asked_for_where_the_ingress_has_one_itself(more: dict[str, str]) -> None:
    annotations = {f"{NGINX}auth-tls-secret": "models/ca", **more}
    load_settings("prod", values(ingress={**INGRESS, **TLS, "annotations": annotations}))
    asking = extra("Ingress", **TLS)
    asking["metadata"]["annotations"] = annotations
    load_settings("prod", values(extraObjects=[asking]))


@pytest.mark.parametrize(
    ("annotations", "tls"),
    [
        ({f"{NGINX}auth-tls-secret": "models/ca"}, {}),
        ({f"{NGINX}auth-tls-secret": "models/ca", f"{NGINX}ssl-redirect": "false"}, TLS),
        ({f"{NGINX}auth-tls-secret": "models/ca", f"{NGINX}force-ssl-redirect": "false"}, {}),
        ({f"{ALB}auth-type": "oidc"}, {}),
        ({f"{ALB}auth-type": "oidc"}, TLS),
        ({f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": '[{"HTTP": 80}]', **ARN}, TLS),
        ({f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]', **ARN}, TLS),
        ({f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": '[{"HTTP": 80, "HTTPS": 443}]', **ARN}, TLS),
        ({f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": "https"}, TLS),
        ({f"{ALB}auth-type": "oidc", f"{ALB}listen-ports": "[]"}, TLS),
    ],
)
def test_what_asks_over_tls_alone_does_not_count_where_plain_http_is_served(
    annotations: dict[str, str], tls: dict[str, Any]
) -> None:
    text = fault(values(ingress={**INGRESS, **tls, "annotations": annotations}))
    assert "ingress.enabled found true" in text
    assert "plain HTTP has to be off or redirected" in text


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {f"{NGINX}auth-type": ""},
        {f"{NGINX}auth-secret": "people"},
        {f"{NGINX}proxy-body-size": "1m"},
        {f"{ALB}auth-type": "none", **ARN},
        {f"{ALB}auth-type": "oidc", f"{ALB}auth-on-unauthenticated-request": "allow", **ARN},
        {f"{NGINX}auth-type": "any-other"},
        {**VERIFYING, f"{NGINX}auth-tls-verify-client": "off"},
        {**VERIFYING, f"{NGINX}auth-tls-verify-client": "optional"},
        {f"{NGINX}auth-type": "basic", f"{NGINX}satisfy": "any", f"{NGINX}whitelist-source-range": "0.0.0.0/0"},
        {MIDDLEWARES: "models-compress@kubernetescrd"},
        {MIDDLEWARES: "models-noauth@kubernetescrd"},
        {MIDDLEWARES: "models-no-auth@kubernetescrd,models-authors@kubernetescrd"},
    ],
)
def test_annotations_that_ask_nobody_do_not_count(annotations: dict[str, str]) -> None:
    assert "ingress.enabled found true" in fault(values(ingress={**INGRESS, "annotations": annotations}))


ASKING_NGINX, ASKING_ALB = {f"{NGINX}auth-type": "basic"}, {f"{ALB}auth-type": "oidc", **ARN}
ASKING_TRAEFIK = {MIDDLEWARES: "models-auth@kubernetescrd"}


@pytest.mark.parametrize(
    ("name", "annotations"),
    [("nginx-internal", ASKING_NGINX), ("alb", ASKING_ALB), ("traefik", ASKING_TRAEFIK)],
)
def test_annotations_count_for_the_controller_that_reads_them_alone(name: str, annotations: dict[str, str]) -> None:
    load_settings("prod", values(ingress={**INGRESS, "className": name, "annotations": annotations}))
    for other in {"nginx", "alb", "traefik", "kong"} - {name.partition("-")[0]}:
        by_field = {**INGRESS, "className": other, "annotations": annotations}
        by_annotation = {**INGRESS, "annotations": {**annotations, "kubernetes.io/ingress.class": other}}
        assert "ingress.enabled found true" in fault(values(ingress=by_field))
        assert "ingress.enabled found true" in fault(values(ingress=by_annotation))


def test_an_extra_ingress_that_asks_is_let_through_and_so_are_objects_that_lead_nowhere() -> None:
    asking = extra("Ingress", ingressClassName="nginx")
    asking["metadata"]["annotations"] = ASKING_NGINX
    inside = [extra("ConfigMap"), extra("Service", type="ClusterIP"), "kind: ConfigMap\ndata:\n  a: {{ .Values.b }}\n"]
    deployment = deploy("prod", values(extraObjects=[asking, *inside], hostNetwork="false"))
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    assert len(rule["from"]) == 2, "LibreChat and the ingress controller"
    deployment = deploy("prod", values(extraObjects=inside))
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    assert len(rule["from"]) == 1


def test_asking_at_the_ingress_is_of_no_use_where_the_service_is_open_too() -> None:
    both = {"ingress": {**INGRESS, "annotations": {f"{NGINX}auth-type": "basic"}}, "service": {"type": "NodePort"}}
    assert "service.type found NodePort" in fault(values(**both))


@pytest.mark.parametrize(
    "keys", [{"extraObjects": 5}, {"extraObjects": [5, None, ["a"]]}, {"ingress": {**INGRESS, "annotations": ["a"]}}]
)
def test_values_of_another_shape_are_no_traceback(keys: dict[str, Any]) -> None:
    assert isinstance(attempt("prod", values(**keys)).error, SettingsError | None)


def test_what_the_stack_calls_public_gets_through_its_network_rules_and_quota() -> None:
    public = {"ollama": {"publicWithoutAuthentication": True, "values": {"service": {"type": "LoadBalancer"}}}}
    deployment = deploy("prod", public)
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    assert rule["from"][-2:] == [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
    assert "services.loadbalancers" not in deployment.one(QUOTA, "ollama-quota").inputs["spec"]["hard"]


def test_an_ollama_that_is_called_public_but_is_not_lets_in_nobody_else() -> None:
    deployment = deploy("prod", {"ollama": {"publicWithoutAuthentication": True}})
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    assert len(rule["from"]) == 1
