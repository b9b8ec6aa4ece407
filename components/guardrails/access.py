"""Roles of people in an app's namespace. Whoever is in neither group gets nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.settings import AccessSettings


@dataclass(frozen=True)
class Rule:
    """What may be done to which resources."""

    api_groups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]

    def as_dict(self) -> dict[str, list[str]]:
        """As in a manifest."""
        return {"apiGroups": [*self.api_groups], "resources": [*self.resources], "verbs": [*self.verbs]}


_LOOK = ("get", "list", "watch")
_CORE = (
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "persistentvolumeclaims",
    "pods",
    "pods/status",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "serviceaccounts",
    "services",
)
"""Listed one by one: a "*" would hold Secrets, and a right can't be taken away again."""
_GROUPS = (
    "apps",
    "autoscaling",
    "batch",
    "discovery.k8s.io",
    "events.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
)
_OF_ADD_ONS = (
    Rule(("cert-manager.io",), ("certificaterequests", "certificates"), _LOOK),
    Rule(("acme.cert-manager.io",), ("challenges", "orders"), _LOOK),
    Rule(("external-secrets.io",), ("externalsecrets",), _LOOK),
    Rule(("bitnami.com",), ("sealedsecrets",), _LOOK),
)
"""Where it stands why a certificate or a Secret does not come. Whether they are installed, a Role does not ask."""
VIEWER = (
    # In a Role this means the Role's own namespace: its labels say whose it is and what its pods may do.
    Rule(("",), ("namespaces",), ("get",)),
    Rule(("",), _CORE, _LOOK),
    Rule(_GROUPS, ("*",), _LOOK),
    *_OF_ADD_ONS,
)
"""Everything but Secrets, and but logs, in which a user's words may stand."""
# No exec, no patch of a Deployment: by either one the Secrets of the namespace can be read.
OPERATOR = (
    Rule(("",), ("pods",), ("delete",)),
    Rule(("",), ("pods/log",), ("get",)),
    Rule(("",), ("pods/portforward",), ("create", "get")),
)
"""Restart a pod (its controller makes it anew), read logs, port-forward."""


def roles(access: AccessSettings) -> dict[str, tuple[Sequence[Rule], Sequence[str]]]:
    """Rules and groups by the name of the Role; a Role without a group is left out."""
    found: dict[str, tuple[Sequence[Rule], Sequence[str]]] = {
        "viewers": (VIEWER, access.viewers),
        "operators": ((*VIEWER, *OPERATOR), access.operators),
    }
    return {name: (rules, groups) for name, (rules, groups) in found.items() if groups}
