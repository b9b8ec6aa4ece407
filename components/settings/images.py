"""Where the stack's images come from."""

from __future__ import annotations

from components.formats import DnsName, Registry
from components.settings.base import Model, setting


class ImageSettings(Model):
    """A registry of one's own, as in an air gap."""

    registry: Registry | None = setting(
        None,
        "registry from which every image of every chart comes; absent means where the charts say",
        "a host with a dot or a port, and a folder if any, such as registry.example.com/mirror",
    )
    pull_secret: DnsName | None = setting(
        None,
        "Secret of type kubernetes.io/dockerconfigjson in both namespaces, by which the pods may pull images",
        "the name of a Secret",
    )
