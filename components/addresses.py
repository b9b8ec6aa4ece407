"""What an address tells by itself: host and port, and whether it is one of the cluster, of a private net, or of a pod.

What is behind a name nobody knows here: a preview asks no DNS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from components.settings import DatabasePlace, Egress

PRIVATE_NAMES = ("internal", "local", "home.arpa")
"""Domains that the internet's DNS never answers for (ICANN 2024-07, RFC 6762, RFC 8375)."""


def host_of(url: str) -> str:
    """The host of an address; empty where it has none."""
    return (urlsplit(url).hostname or "").rstrip(".")


def port_of(url: str) -> int:
    """The port of an address by http or https, that of the scheme where it names none."""
    address = urlsplit(url)
    return address.port or (443 if address.scheme == "https" else 80)


def namespace_in(host: str) -> str | None:
    """The namespace in `service.namespace.svc[.domain]`."""
    labels = host.split(".")
    return labels[1] if len(labels) > 2 and labels[2] == "svc" else None


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an address; None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def may_hold(cidr: str, host: str) -> bool:
    """Whether the network holds the host's address, or may, where the host is a name."""
    ip = ip_of(host)
    return ip is None or ip in ipaddress.ip_network(cidr)


def leads_to(host: str, port: int, ways: Iterable[DatabasePlace | Egress]) -> bool:
    """Whether one of the ways out goes there, as far as that can be told."""
    return any(each.cidr and port in each.ports and may_hold(each.cidr, host) for each in ways)


def missing_way(host: str, port: int) -> tuple[str, str]:
    """For errors: what no way out has, and an example of ways that would."""
    ip = ip_of(host)
    asked, example = (f"{host} and port", ipaddress.ip_network(ip)) if ip else ("port", "203.0.113.7/32")
    return f"has no entry with {asked} {port}", f'[{{cidr: "{example}", ports: [{port}]}}]'


def is_private(host: str) -> bool:
    """Whether the internet has no such host."""
    ip = ip_of(host)
    return any(host.endswith(f".{name}") for name in PRIVATE_NAMES) if ip is None else not ip.is_global


def is_of_pod(host: str) -> bool:
    """Whether in a pod it is the pod itself."""
    return host in ("localhost", "::1") or host.startswith("127.")
