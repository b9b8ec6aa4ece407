"""What may reach the stack's namespaces, what may leave them, and who may look into them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from components.formats import Cidr, GroupName, LabelKey, LabelValue, Port, Ports, Quantity, QuotaName
from components.settings.base import NETWORK, REQUIRED, Model, setting

Text = Annotated[str, StringConstraints(pattern=r"\S")]
PodSecurityLevel = Literal["restricted", "baseline", "privileged"]
"""The levels of the Pod Security Standards, strictest first."""


class Egress(Model):
    """Addresses that an app's pods may call, besides what the app needs."""

    cidr: Cidr = setting(REQUIRED, "addresses", NETWORK + ", 0.0.0.0/0 for all")
    ports: Ports = setting((443,), "TCP ports", "a list of ports from 1 to 65535")


class NetworkSettings(Model):
    """What the network rules of all apps have in common."""

    policies: bool = setting(
        True, "whether nothing but what the apps need may enter or leave their pods", "true or false"
    )
    ingress_controller: Annotated[dict[LabelKey, LabelValue], Field(min_length=1)] = setting(
        {"kubernetes.io/metadata.name": "ingress-nginx"},
        "labels of the namespace from which the ingress controller calls LibreChat",
        "label keys and values",
    )
    ingress_addresses: tuple[Cidr, ...] = setting(
        (),
        "addresses from which those call LibreChat that are no pods, as load balancers (docs/ingress.md)",
        "a list of networks such as 10.0.0.0/16",
    )
    dns: Annotated[dict[LabelKey, LabelValue], Field(min_length=1)] = setting(
        {"kubernetes.io/metadata.name": "kube-system"},
        "labels of the namespace of the cluster's DNS",
        "label keys and values",
    )
    dns_port: Port = setting(53, "port of the cluster's DNS at its pods; OpenShift's is 5353", "a port from 1 to 65535")


class AccessSettings(Model):
    """Groups, as the cluster's authentication names them, and what they may do in the stack's namespaces."""

    viewers: tuple[GroupName, ...] = setting(
        (), "groups that may see everything but Secrets", "a list of group names, none that begins with system:"
    )
    operators: tuple[GroupName, ...] = setting(
        (),
        "groups that may also restart pods, read logs and port-forward",
        "a list of group names, none that begins with system:",
    )


class OwnerSettings(Model):
    """Whose the stack is: annotations of everything that the stack owns itself."""

    name: Text | None = setting(None, "who answers for the stack", "any text")
    cost_center: Text | None = setting(None, "who pays for it", "any text")
    contact: Text | None = setting(None, "where to ask, such as an address or a channel", "any text")


def app_pod_security() -> Any:
    """The setting `podSecurity` of an app."""
    return setting("restricted", "Pod Security level that its namespace enforces", "restricted, baseline or privileged")


def app_egress() -> Any:
    """The setting `egress` of an app."""
    return setting(
        (), "further addresses that its pods may call, as an API or an OIDC issuer", "a list of cidr and ports"
    )


def app_quota() -> Any:
    """The setting `quota` of an app."""
    return setting(
        {},
        "entries of its namespace's ResourceQuota in place of those that follow from the settings",
        "pods, persistentvolumeclaims, requests.cpu, requests.memory, requests.storage, limits.memory, requests of a "
        "device such as requests.nvidia.com/gpu, services.nodeports and services.loadbalancers, with quantities",
    )


QuotaEntries = dict[QuotaName, Quantity]
