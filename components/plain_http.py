"""Annotations by which controllers serve an Ingress without TLS, whatever certificate it has.

2026-11: ingress-nginx, "Annotations"; F5 NGINX, "Advanced configuration with annotations"; HAProxy's and the
community's, "ssl-redirect"; AWS Load Balancer Controller, "Ingress annotations"; GKE, "Ingress"; Traefik, "Kubernetes
Ingress".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

NGINX, ALB = "nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/"
LISTENERS = f"{ALB}listen-ports"
REDIRECTS = (
    f"{NGINX}ssl-redirect",
    "ingress.kubernetes.io/ssl-redirect",
    "nginx.org/ssl-redirect",
    "haproxy.org/ssl-redirect",
    "haproxy-ingress.github.io/ssl-redirect",
)
"""They lead plain HTTP to HTTPS where there is a certificate, unless they are off."""
ALLOW_HTTP = "kubernetes.io/ingress.allow-http"
ENTRY_POINTS = "traefik.ingress.kubernetes.io/router.entrypoints"
PLAIN_ENTRY_POINT = "web"
"""What Traefik's chart calls the one without TLS."""


def texts(annotations: Any) -> dict[str, str]:
    """Annotations as controllers read them; none where they are no map."""
    found = annotations.items() if isinstance(annotations, Mapping) else ()
    return {str(key): str(text).strip() for key, text in found if text is not None}


def serving_http(annotations: Any) -> Iterator[str]:
    """The annotations that have an Ingress with a certificate served over plain HTTP too."""
    told = texts(annotations)
    forced = _is(told.get(f"{NGINX}force-ssl-redirect"), "true")
    for key in REDIRECTS:
        if _is(told.get(key), "false") and not (key.startswith(NGINX) and forced):
            yield key
    if _is(told.get(ALLOW_HTTP), "true"):
        yield ALLOW_HTTP
    if LISTENERS in told and alb_serves_http(told):
        yield LISTENERS
    if PLAIN_ENTRY_POINT in (point.strip() for point in told.get(ENTRY_POINTS, "").split(",")):
        yield ENTRY_POINTS


def nginx_serves_http(told: Mapping[str, str], *, certificate: bool) -> bool:
    """Whether ingress-nginx answers over plain HTTP with more than a redirect."""
    redirected = certificate and not _is(told.get(f"{NGINX}ssl-redirect"), "false")
    return not (redirected or _is(told.get(f"{NGINX}force-ssl-redirect"), "true"))


def alb_serves_http(told: Mapping[str, str]) -> bool:
    """Whether an ALB has a listener of plain HTTP that does more than redirect.

    Without `listen-ports` it has one, of HTTPS where a certificate is named, of HTTP otherwise.
    """
    if told.get(f"{ALB}ssl-redirect"):
        return False
    if LISTENERS not in told:
        return not told.get(f"{ALB}certificate-arn")
    try:
        listeners = json.loads(told[LISTENERS])
    except json.JSONDecodeError:
        return True
    entries = listeners if isinstance(listeners, list) else [None]
    return not entries or any(not isinstance(each, dict) or set(each) != {"HTTPS"} for each in entries)


def _is(text: str | None, wanted: str) -> bool:
    """Whether an annotation says so, in one of the ways that Go reads (strconv.ParseBool)."""
    return text is not None and text.lower() in (wanted, wanted[0], "1" if wanted == "true" else "0")
