"""NetworkPolicies: nothing enters or leaves the pods of a namespace but what is listed here.

Policies only ever add up, so one that allows too much, as the MongoDB chart's own does, would make these void:
`values/librechat.yaml` turns that one off. Traffic of a node to its own pods (probes,
`kubectl port-forward`) is let through by every network plugin (kubernetes.io, Network Policies, 2026-11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from components import ports
from components.ingress import SOLVER, SOLVER_PORT
from components.served import Served
from components.settings import DatabasePlace, Egress, NetworkSettings

Spec = dict[str, Any]
Peer = dict[str, Any]

DEFAULT = "default-deny"
"""Of every pod; the names of the others are none that a chart gives to a policy of its own."""
HTTPS, DNS = 443, 53
NODE_LOCAL_DNS = "169.254.20.10/32"
"""Where NodeLocal DNSCache answers, in clusters that have it (kubernetes.io, NodeLocal DNSCache, 2026-11)."""
ANYBODY: list[Peer] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
PRIVATE = {
    "0.0.0.0/0": ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    "::/0": ("fc00::/7", "fe80::/10"),
}
"""By all addresses of a kind, where pods, Services, nodes and the cloud's metadata live: no part of the internet."""


def pods(release: str, name: str) -> dict[str, str]:
    """The labels by which the charts select the pods of the part `name` of a release."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release}


def librechat_in(namespace: str, release: str | None) -> Peer:
    """The pods of LibreChat in a namespace, of whatever release where that is None."""
    labels = pods(release, "librechat") if release else {"app.kubernetes.io/name": "librechat"}
    return {"namespaceSelector": _namespace(namespace), **_selected(labels)}


def controllers(network: NetworkSettings) -> list[Peer]:
    """What leads requests from outside of the cluster into it.

    Not always pods that a rule can select: a cloud's load balancer calls from addresses of its network, a controller
    on its node's network from the node's.
    """
    inside = {"namespaceSelector": {"matchLabels": dict(network.ingress_controller)}}
    return [inside, *({"ipBlock": {"cidr": cidr}} for cidr in network.ingress_addresses)]


def rules_to_models(models: Served) -> list[Spec]:
    """What lets LibreChat out to Ollama; nothing where that is outside of the cluster: `librechat.egress` names it."""
    if models.namespace is None:
        return []
    there = {"namespaceSelector": _namespace(models.namespace)}
    if models.release is None:
        return [_rule("to", [there], *models.ports)]
    return [_rule("to", [{**there, **_selected(pods(models.release, "ollama"))}], ports.OLLAMA)]


def policies_of_ollama(
    release: str, callers: list[Peer], network: NetworkSettings, *, registry: bool, egress: Sequence[Egress]
) -> dict[str, Spec]:
    """The policies of Ollama's namespace, by name; without `callers` nobody calls it."""
    out = [*([_to_internet()] if registry else []), *map(_to_address, egress)]
    # A rule with an empty list of callers would let everybody in.
    ingress = [_rule("from", callers, ports.OLLAMA)] if callers else []
    return {DEFAULT: _only_dns(network), "allow-ollama": _policy(pods(release, "ollama"), ingress, out)}


def policies_of_librechat(
    release: str,
    models: list[Spec],
    network: NetworkSettings,
    *,
    callers: list[Peer],
    egress: Sequence[Egress],
    parts: Collection[str] = ("mongodb", "meilisearch"),
    elsewhere: Sequence[DatabasePlace] = (),
    certificates: bool = False,
) -> dict[str, Spec]:
    """The policies of LibreChat's namespace, by name; `models` are the rules that let it out to Ollama.

    Without `callers` nobody calls LibreChat but `kubectl port-forward`. `parts` are those of this release out of
    `mongodb`, `meilisearch` and `redis`, with `members` where MongoDB's pods call each other; `elsewhere` is where
    others are. With `certificates` cert-manager answers ACME from this namespace.
    """
    # The label by which the MongoDB chart knows its callers; the Jobs of ops/ have it.
    chat, jobs = pods(release, "librechat"), {f"{release}-mongodb-client": "true"}
    mongodb, meilisearch, redis = (pods(release, part) for part in ("mongodb", "meilisearch", "redis"))
    called = [
        *models,
        *([_rule("to", [_selected(mongodb)], ports.MONGODB)] if "mongodb" in parts else []),
        *([_rule("to", [_selected(meilisearch)], ports.MEILISEARCH)] if "meilisearch" in parts else []),
        *([_rule("to", [_selected(redis)], ports.REDIS)] if "redis" in parts else []),
        *map(_to_place, elsewhere),
        *map(_to_address, egress),
    ]
    called_by = [_rule("from", callers, ports.LIBRECHAT)] if callers else []
    found = {
        DEFAULT: _only_dns(network),
        "allow-librechat": _policy(chat, called_by, called),
    }
    if "mongodb" in parts:
        members = "members" in parts
        clients = [_selected(chat), _selected(jobs), *([_selected(mongodb)] if members else [])]
        to_mongodb = [_rule("to", [_selected(mongodb)], ports.MONGODB)]
        found["allow-mongodb"] = _policy(
            mongodb, [_rule("from", clients, ports.MONGODB)], to_mongodb if members else []
        )
        found["allow-jobs"] = _policy(jobs, [], to_mongodb)
    if "meilisearch" in parts:
        found["allow-meilisearch"] = _policy(meilisearch, [_rule("from", [_selected(chat)], ports.MEILISEARCH)], [])
    if "redis" in parts:
        found["allow-redis"] = _policy(redis, [_rule("from", [_selected(chat)], ports.REDIS)], [])
    if certificates:
        found["allow-acme"] = _policy(SOLVER, [_rule("from", controllers(network), SOLVER_PORT)], [])
    return found


def _only_dns(network: NetworkSettings) -> Spec:
    """For every pod of the namespace: nothing in, only names to look up out."""
    servers = [{"namespaceSelector": {"matchLabels": dict(network.dns)}}, {"ipBlock": {"cidr": NODE_LOCAL_DNS}}]
    # NodeLocal DNSCache listens at 53, whatever the cluster's own pods do.
    numbers = dict.fromkeys((DNS, network.dns_port))
    asked = [{"port": port, "protocol": protocol} for port in numbers for protocol in ("UDP", "TCP")]
    return _policy({}, [], [{"to": servers, "ports": asked}])


def _policy(selected: Mapping[str, str], ingress: list[Spec], egress: list[Spec]) -> Spec:
    return {
        "podSelector": {"matchLabels": dict(selected)} if selected else {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }


def _rule(direction: str, peers: list[Peer], *numbers: int) -> Spec:
    return {direction: peers, "ports": [{"port": port, "protocol": "TCP"} for port in numbers]}


def _to_internet() -> Spec:
    blocks = [{"ipBlock": {"cidr": everywhere, "except": list(private)}} for everywhere, private in PRIVATE.items()]
    return _rule("to", blocks, HTTPS)


def _to_address(egress: Egress) -> Spec:
    return _rule("to", [{"ipBlock": {"cidr": egress.cidr}}], *egress.ports)


def _to_place(place: DatabasePlace) -> Spec:
    peer = {"ipBlock": {"cidr": place.cidr}} if place.cidr else {"namespaceSelector": _namespace(place.namespace or "")}
    return _rule("to", [peer], *place.ports)


def _selected(labels: Mapping[str, str]) -> Peer:
    return {"podSelector": {"matchLabels": dict(labels)}}


def _namespace(name: str) -> Spec:
    return {"matchLabels": {"kubernetes.io/metadata.name": name}}
