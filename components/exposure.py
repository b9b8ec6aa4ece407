"""Ways by which Ollama's Helm values lead out of the cluster: it has no authentication of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.chart_parts import extra_objects, kind_of
from components.charts import OLLAMA
from components.faults import Fault
from components.plain_http import ALB, NGINX, alb_serves_http, nginx_serves_http, texts
from components.provenance import KeyPath, Sources, dotted
from components.settings import OllamaSettings
from components.values import Values, dig

CONTROLLED = ("ingress", "httpRoute", "gateway", "knative")
AT_NODES = ("NodePort", "LoadBalancer")
"""Types of Services that every node serves."""
MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"
ASKING = (f"{NGINX}auth-type", f"{NGINX}auth-url", f"{NGINX}auth-tls-secret", f"{ALB}auth-type")
CLASS = "kubernetes.io/ingress.class"
"""Where a class stood before Ingresses had a field for it; controllers still read it."""
# A middleware may be anything, so its name has to say what it does, and not the opposite (models-noauth).
AUTH_WORDS = {"auth", "basicauth", "digestauth", "forwardauth", "oauth", "oauth2", "authelia", "authentik"}
NEGATIONS = {"no", "non", "not", "without", "skip", "off", "disable", "disabled", "bypass"}
ROUTES = re.compile(r"\w*Ingress|\w*Route(TCP|UDP)?|Gateway|HTTPProxy|VirtualService|VirtualServer|TransportServer")
"""Kinds by which controllers lead requests in: Kubernetes', Gateway API's, Traefik's, OpenShift's, Istio's, others'."""


def through_controller(values: Values) -> bool:
    """Whether a controller, such as that of Ingresses, leads requests from outside to Ollama."""
    enabled = any(dig(values, part, "enabled") is True for part in CONTROLLED)
    return enabled or any(found not in AT_NODES for _, found, _ in _extra_ways(values))


def at_nodes(values: Values) -> bool:
    """Whether requests from outside reach the pods of an app by way of the nodes."""
    of_chart = dig(values, "service", "type") in AT_NODES or _on_host_network(values)
    return of_chart or any(found in AT_NODES for _, found, _ in _extra_ways(values))


def exposure_faults(settings: OllamaSettings, values: Values, sources: Sources) -> Iterator[Fault]:
    """Every way out that asks nobody who he is, unless the stack says that the models are public."""
    if settings.public_without_authentication:
        return
    for path, found in _ways(values):
        yield Fault(
            None,
            f"{sources.origin(path).place}: {dotted(path)} found {found}, "
            "which leads to Ollama from outside of the cluster, where it asks nobody who he is; allowed: an Ingress "
            f"with annotations by which the controller of its class asks everybody ({', '.join(ASKING)}, or "
            f"{MIDDLEWARES} with auth as a word of a name; an ALB and auth-tls-secret ask over TLS only, so plain HTTP "
            "has to be off or redirected), or ollama.publicWithoutAuthentication: true",
        )


def _ways(values: Values) -> Iterator[tuple[KeyPath, str]]:
    """Each way out by its path and what was found there, without Ingresses that ask."""
    for part in CONTROLLED:
        told = (dig(values, part, key) for key in ("annotations", "className", "tls"))
        asking = part == "ingress" and asks(*told)
        if dig(values, part, "enabled") is True and not asking:
            yield (part, "enabled"), "true"
    if (kind := dig(values, "service", "type")) in AT_NODES:
        yield ("service", "type"), str(kind)
    if _on_host_network(values):
        yield ("hostNetwork",), "true"
    for path, found, item in _extra_ways(values):
        of_item = (("metadata", "annotations"), ("spec", "ingressClassName"), ("spec", "tls"))
        asking = asks(*(dig(item, *at) for at in of_item))
        if not (found == "Ingress" and asking):
            yield path, found


def _on_host_network(values: Values) -> bool:
    # The chart takes a text, too, and writes it into the pod as it is (1.77.0).
    return str(values.get("hostNetwork") or False).lower() not in ("false", "no", "off")


def _extra_ways(values: Values) -> Iterator[tuple[KeyPath, str, Any]]:
    """What `extraObjects` has of ways out: path, kind or type of Service, and the object."""
    for path, item in extra_objects(OLLAMA.name, values):
        if found := _way_of(item):
            yield path, found, item


def _way_of(item: Any) -> str | None:
    kind = kind_of(item)
    group = str(dig(item, "apiVersion") or "").partition("/")[0]
    if kind == "Service" and group == "serving.knative.dev":
        return "Service of Knative"
    if kind == "Service":
        # Addresses of its own, too, are served by every node.
        found = "LoadBalancer" if dig(item, "spec", "externalIPs") else dig(item, "spec", "type")
        return str(found) if found in AT_NODES or "{{" in str(found) else None
    # What a template fills in can be anything.
    return kind if ROUTES.fullmatch(kind) or "{{" in kind else None


def asks(annotations: Any, of_class: Any, tls: Any) -> bool:
    """Whether the annotations of an Ingress have the controller of its class ask everybody who he is.

    `tls` is what the Ingress says of certificates. A controller ignores the annotations of others. 2026-11:
    ingress-nginx, "Annotations"; AWS Load Balancer Controller, "Ingress annotations"; Traefik, "Kubernetes Ingress".
    """
    told = texts(annotations)
    name = str(of_class or told.get(CLASS) or "").lower()
    families = {
        "nginx": _nginx_asks(told, certificate=bool(tls)),
        "alb": _alb_asks(told),
        "traefik": _traefik_asks(told),
    }
    return any(asking for family, asking in families.items() if not name or family in name)


def _nginx_asks(told: Mapping[str, str], *, certificate: bool) -> bool:
    # Certificates that are only looked at let everybody in, and over plain HTTP nobody is asked for one; "any" lets in
    # whoever has an address of a list.
    verified = told.get(f"{NGINX}auth-tls-secret") and told.get(f"{NGINX}auth-tls-verify-client", "on") == "on"
    if verified and not nginx_serves_http(told, certificate=certificate):
        return True
    if told.get(f"{NGINX}satisfy") == "any":
        return False
    return told.get(f"{NGINX}auth-type") in ("basic", "digest") or bool(told.get(f"{NGINX}auth-url"))


def _alb_asks(told: Mapping[str, str]) -> bool:
    unknown = told.get(f"{ALB}auth-on-unauthenticated-request", "authenticate")
    asking = told.get(f"{ALB}auth-type") in ("cognito", "oidc") and unknown in ("authenticate", "deny")
    # Only HTTPS listeners ask (aws-load-balancer-controller, pkg/ingress/model_build_actions.go, 2026-11).
    return asking and not alb_serves_http(told)


def _traefik_asks(told: Mapping[str, str]) -> bool:
    names = (set(re.split(r"[^a-z0-9]+", name.lower())) for name in told.get(MIDDLEWARES, "").split(","))
    return any(words & AUTH_WORDS and not words & NEGATIONS for words in names)
