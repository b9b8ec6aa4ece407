"""Whether what a stack brings along is where the network rules let LibreChat go, and reached in secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from components.addresses import (
    PRIVATE_NAMES,
    host_of,
    is_of_pod,
    is_private,
    leads_to,
    missing_way,
    namespace_in,
    port_of,
)
from components.faults import Fault
from components.ports import MONGODB
from components.settings import DatabasePlace, Egress, LibreChatSettings
from components.stack_file import PLACEHOLDERS


def place_faults(settings: LibreChatSettings, *, policies: bool) -> Iterator[Fault]:
    """Addresses that `at` and `librechat.egress` don't lead to, or that no pod should call.

    Where no place is named at all, components/checks_existing.py says so. What runs in a namespace is let through by
    the ports of its pods, which an address of a Service needn't name.
    """
    if settings.meilisearch:
        yield from _of_search(settings.meilisearch.host, settings.meilisearch.at, settings.egress, policies=policies)
    uri = settings.mongodb.uri.get_secret_value() if settings.mongodb and settings.mongodb.uri else None
    # Who reads the stack file without its passphrase knows no address.
    if settings.mongodb and uri and uri != PLACEHOLDERS["uri"]:
        yield from _of_database(uri, settings.mongodb.at, settings.egress, policies=policies)


def _of_search(url: str, at: Sequence[DatabasePlace], egress: Sequence[Egress], *, policies: bool) -> Iterator[Fault]:
    host, port = host_of(url), port_of(url)
    key = "librechat.meilisearch.host"
    if is_of_pod(host):
        yield Fault(key, f'found "{url}", which in a pod is the pod itself; allowed: another host')
        return
    if _is_inside(host, at):
        return
    if url.startswith("http://") and "." in host and not is_private(host):
        yield Fault(
            key,
            f'found "{url}": outside of the cluster, over http, anybody on the way reads the key and the chats; '
            "allowed: https, an address of this cluster (.svc, or with a namespace in librechat.meilisearch.at), a "
            f"private address or name ({', '.join(f'.{name}' for name in PRIVATE_NAMES)})",
        )
    if policies and (at or egress) and not leads_to(host, port, (*at, *egress)):
        missing, example = missing_way(host, port)
        yield Fault(
            "librechat.meilisearch.at",
            f"{missing}, but that is where librechat.meilisearch.host is, and the network rules let nothing else "
            f"through; allowed: the addresses behind {host}, such as {example}, or the namespace where it runs",
        )


def _of_database(uri: str, at: Sequence[DatabasePlace], egress: Sequence[Egress], *, policies: bool) -> Iterator[Fault]:
    """Never shows the address: it holds a password, and what of it is the host depends on how that is written."""
    key, scheme = "librechat.mongodb.uri", "mongodb://"
    # Of mongodb+srv the DNS says hosts and ports.
    servers = uri.removeprefix(scheme).partition("/")[0].rpartition("@")[2] if uri.startswith(scheme) else ""
    try:
        found = [_server(text) for text in servers.split(",") if text]
    except ValueError:
        yield Fault(key, "found a value that is not shown, with a host or port that is none; allowed: host:port")
        return
    if any(is_of_pod(host) for host, _ in found):
        yield Fault(key, "found a value that is not shown, which in a pod is the pod itself; allowed: another host")
    elif (
        policies
        and (at or egress)
        and not all(_is_inside(host, at) or leads_to(host, port, (*at, *egress)) for host, port in found)
    ):
        yield Fault(
            "librechat.mongodb.at",
            f"has no entry with the port, or around the address, of a host in {key} (not shown; the port is {MONGODB} "
            "where it names none), and the network rules let nothing else through; allowed: cidr and ports of each, or "
            "the namespace where it runs",
        )


def _server(text: str) -> tuple[str, int]:
    """Host and port; raises ValueError where they are none."""
    address = urlsplit(f"//{text}")
    return (address.hostname or "").rstrip("."), address.port or MONGODB


def _is_inside(host: str, at: Sequence[DatabasePlace]) -> bool:
    return namespace_in(host) is not None or any(place.namespace for place in at)
