"""The formats that settings must have: Kubernetes names and quantities, hosts, model names, key lengths."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

# RFC 1123, as the API server checks it (k8s.io/apimachinery/pkg/util/validation).
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"


def _integer_as_text(value: object) -> object:
    """`cpu: 4` is as good as `cpu: "4"`, as in any Kubernetes manifest."""
    return str(value) if type(value) is int else value


def _network(text: str) -> str:
    """As the API server takes it in a network policy, which is less than Python does.

    No address without a prefix, no netmask, no zone, no IPv4 inside of IPv6 (kubernetes.io, CIDR validation, 2026-11).
    """
    network = ipaddress.ip_network(text)  # Raises ValueError, also where bits of the host are set.
    inside = isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped
    if str(network) != text or "%" in text or inside:
        raise ValueError("no network in its canonical form")
    return text


def _of_people(group: str) -> str:
    if group.startswith("system:"):
        raise ValueError("a group of Kubernetes itself")
    return group


def _without_v1(url: str) -> str:
    if url.endswith("/v1"):
        raise ValueError("/v1 is added to it")
    return _with_port(url)


def _with_port(url: str) -> str:
    if urlsplit(url).port == 0:  # Raises ValueError above 65535.
        raise ValueError("no port")
    return url


DnsLabel = Annotated[str, StringConstraints(pattern=rf"^{_DNS_LABEL}$")]
# Names of namespaces begin with it (<team>-librechat); of digits alone, the engine would hand over a number.
TEAM = r"^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$"
Team = Annotated[str, StringConstraints(pattern=TEAM)]
DnsName = Annotated[str, StringConstraints(pattern=rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$", max_length=253)]
# The last part of a host is never a number: an Ingress for an IP address is refused by the API server.
Host = Annotated[
    str, StringConstraints(pattern=rf"^({_DNS_LABEL}\.)*[a-z]([-a-z0-9]{{0,61}}[a-z0-9])?$", max_length=253)
]
LabelKey = Annotated[str, StringConstraints(pattern=rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL_NAME}$")]
LabelValue = Annotated[str, StringConstraints(pattern=rf"^({_LABEL_NAME})?$")]
Quantity = Annotated[
    str,
    BeforeValidator(_integer_as_text),
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"),
]
ResourceName = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(cpu|memory|ephemeral-storage|hugepages-[0-9A-Za-z]+|{_DNS_LABEL}(\.{_DNS_LABEL})*/{_LABEL_NAME})$"
    ),
]
# No limits.cpu or count/…: what an app takes of them isn't computed, so nothing could tell whether they hold it.
QuotaName = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(requests\.({_DNS_LABEL}(\.{_DNS_LABEL})*/{_LABEL_NAME}|cpu|memory|storage)|limits\.memory"
        r"|pods|persistentvolumeclaims|services\.(loadbalancers|nodeports))$"
    ),
]
Cidr = Annotated[str, AfterValidator(_network)]
# Groups that begin with system: are Kubernetes' own: everybody who is logged in, or nobody, is in some of them.
GroupName = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=253), AfterValidator(_of_people)]
StorageSize = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(\.[0-9]+)?(M|G|T|P|Mi|Gi|Ti|Pi)$")]
StackName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){2}$")]
# No user or password in it: it stands in a ConfigMap. LibreChat gets it with /v1 behind.
OllamaUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9_.~-]+)*$"),
    AfterValidator(_without_v1),
]
# As a container runtime reads it: a first part without dot or port would be a folder of Docker Hub.
Registry = Annotated[
    str,
    StringConstraints(
        pattern=rf"^((({_DNS_LABEL}\.)+{_DNS_LABEL}|localhost)(:[0-9]{{1,5}})?|{_DNS_LABEL}:[0-9]{{1,5}})"
        r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        max_length=253,
    ),
]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SemVer = Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$")]
# The chart pastes model names into a shell script (2026-11, facts.md), so nothing else may pass.
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._/-]+(:[A-Za-z0-9._-]+)?$")]
# A key of a Secret, as the API server checks it (k8s.io/apimachinery, IsConfigMapKey).
SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
# Sizes that every NGINX reads; other controllers take their own form.
BodySize = Annotated[str, BeforeValidator(_integer_as_text), StringConstraints(pattern=r"^(0|[1-9][0-9]*[kmgKMG]?)$")]
# Nothing behind the host: LibreChat's client adds the path, and a user or password would stand in the open.
HttpAddress = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$"), AfterValidator(_with_port)
]
# Without a database behind the host, MongoDB's drivers take one named "test".
MONGO_URI = r"^mongodb(\+srv)?://[^\s/?#]+/[^\s/?#]+(\?\S*)?$"
MongoUri = Annotated[str, StringConstraints(pattern=MONGO_URI)]
MASTER_KEY = r"^[!-~]{16,}$"
MasterKey = Annotated[str, StringConstraints(pattern=MASTER_KEY)]

HEX_KEY_LENGTHS = {"JWT_SECRET": 64, "JWT_REFRESH_SECRET": 64, "CREDS_KEY": 64, "CREDS_IV": 32}
"""Hex characters that LibreChat wants; another length fails only when the app first encrypts (2026-11, facts.md)."""

OTHER_KEY_LENGTHS = {"MEILI_MASTER_KEY": 32, "MONGODB_ROOT_PASSWORD": 32, "MONGODB_PASSWORD": 32}
"""Hex characters that are generated; Meilisearch refuses a master key under 16 bytes (2026-11, facts.md)."""

KEY_LENGTHS = HEX_KEY_LENGTHS | OTHER_KEY_LENGTHS


def hex_key(length: int) -> StringConstraints:
    """The constraint of a key of `length` hex characters."""
    return StringConstraints(pattern=rf"^[0-9a-fA-F]{{{length}}}$")


Port = Annotated[int, Field(ge=1, le=65535)]
Ports = Annotated[tuple[Port, ...], Field(min_length=1)]
