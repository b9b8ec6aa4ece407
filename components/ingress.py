"""The way in from outside the cluster: host, certificate, and what controllers are told of uploads and streams.

A preview can't ask the cluster which controller serves a class, and a class may have any name. Each controller heeds
its own annotations and no others (2026-11, their documentations), so those of all that fit the class's name are set.
"""

from __future__ import annotations

from typing import Any

from components.settings import LibreChatSettings
from components.values import Values, dig

# The pods by which cert-manager answers ACME's HTTP-01 (cert-manager pkg/apis/acme/v1 and its solver, 2026-11).
SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
SOLVER_PORT = 8089
ISSUERS = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer")


def asks_for_certificates(values: Values) -> bool:
    """Whether cert-manager gets the Ingress of these Helm values its certificate, whoever wrote the annotation."""
    return any(dig(values, "ingress", "annotations", issuer) for issuer in ISSUERS)


def ingress_values(name: str, settings: LibreChatSettings) -> dict[str, Any]:
    """The chart's `ingress`; off on localhost, where `kubectl port-forward` leads in."""
    if settings.host == "localhost":
        return {"enabled": False}
    ingress: dict[str, Any] = {
        "enabled": True,
        "hosts": [{"host": settings.host, "paths": [{"path": "/", "pathType": "Prefix"}]}],
        "annotations": ingress_annotations(settings),
    }
    if settings.ingress_class:
        ingress["className"] = settings.ingress_class
    if settings.serves_tls:
        ingress["tls"] = [{"secretName": settings.tls_secret or f"{name}-tls", "hosts": [settings.host]}]
    return ingress


def ingress_annotations(settings: LibreChatSettings) -> dict[str, str]:
    """All annotations of the Ingress; those of the stack file win."""
    issuers = dict(zip(ISSUERS, (settings.cert_issuer, settings.cert_cluster_issuer), strict=True))
    return {
        **_of_controllers(settings),
        **{key: issuer for key, issuer in issuers.items() if issuer},
        **settings.ingress.annotations,
    }


def _of_controllers(settings: LibreChatSettings) -> dict[str, str]:
    size, seconds = settings.ingress.body_size, settings.ingress.timeout
    families = {
        # ingress-nginx and F5's NGINX: both like to be called nginx. Answers are streams: no buffering.
        "nginx": {
            "nginx.ingress.kubernetes.io/proxy-body-size": size,
            "nginx.ingress.kubernetes.io/proxy-read-timeout": str(seconds),
            "nginx.ingress.kubernetes.io/proxy-send-timeout": str(seconds),
            "nginx.ingress.kubernetes.io/proxy-buffering": "off",
            "nginx.org/client-max-body-size": size,
            "nginx.org/proxy-read-timeout": f"{seconds}s",
            "nginx.org/proxy-send-timeout": f"{seconds}s",
            "nginx.org/proxy-buffering": "False",
        },
        # HAProxy's own controller, and the community's. Neither limits a body.
        "haproxy": {
            "haproxy.org/timeout-server": f"{seconds}s",
            "haproxy-ingress.github.io/timeout-server": f"{seconds}s",
        },
        # Limits no body and cuts no answer; what it limits is set for a whole entry point (docs/ingress.md).
        "traefik": {},
    }
    fitting = [family for family in families if family in (settings.ingress_class or "")]
    return {key: text for family in fitting or families for key, text in families[family].items()}
