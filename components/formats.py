"""The formats that settings must have: Kubernetes names and quantities, hosts, model names, key lengths."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

# RFC 1123, as the API server checks it (k8s.io/apimachinery/pkg/util/validation).
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"


def _integer_as_text(value: object) -> object:
    """`cpu: 4` is as good as `cpu: "4"`, as in any Kubernetes manifest."""
    return str(value) if type(value) is int else value


DnsLabel = Annotated[str, StringConstraints(pattern=rf"^{_DNS_LABEL}$")]
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
StorageSize = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(\.[0-9]+)?(M|G|T|P|Mi|Gi|Ti|Pi)$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SemVer = Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$")]
# The chart pastes model names into a shell script (2026-11, facts.md), so nothing else may pass.
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._/-]+(:[A-Za-z0-9._-]+)?$")]

HEX_KEY_LENGTHS = {"JWT_SECRET": 64, "JWT_REFRESH_SECRET": 64, "CREDS_KEY": 64, "CREDS_IV": 32}
"""Hex characters that LibreChat wants; another length fails only when the app first encrypts (2026-11, facts.md)."""

OTHER_KEY_LENGTHS = {"MEILI_MASTER_KEY": 32, "MONGODB_ROOT_PASSWORD": 32, "MONGODB_PASSWORD": 32}
"""Hex characters that are generated; Meilisearch refuses a master key under 16 bytes (2026-11, facts.md)."""

KEY_LENGTHS = HEX_KEY_LENGTHS | OTHER_KEY_LENGTHS


def hex_key(length: int) -> StringConstraints:
    """The constraint of a key of `length` hex characters."""
    return StringConstraints(pattern=rf"^[0-9a-fA-F]{{{length}}}$")
