"""Which connections a stack's NetworkPolicies allow, every pair of pods and every port: a table, reviewed like code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.ingress import SOLVER
from ops.diagnosis.objects import Object
from ops.preflight_checks.manifests import pods_of
from tests.engine.manifests import CHARTS, native, rendered
from tests.engine.network_model import Host, allowed
from tests.unit.deployment import ABSENT, load_settings
from tests.unit.recording import POLICY

GOLDEN = Path(__file__).parent / "golden"
OTHERS = (
    Host("ingress-nginx", "controller", {"app.kubernetes.io/name": "ingress-nginx"}, "10.0.9.1"),
    Host("kube-system", "dns", {"k8s-app": "kube-dns"}, "10.0.9.2"),
    Host("databases", "mongodb", {"app.kubernetes.io/name": "mongodb"}, "10.0.9.4"),
    Host("another-team", "pod", {"app.kubernetes.io/name": "librechat"}, "10.0.9.3"),
    Host("outside", "internet", {}, "203.0.113.9"),
    Host("outside", "internet-by-ipv6", {}, "2001:db8::9"),
    Host("outside", "metadata-of-the-cloud", {}, "169.254.169.254"),
    Host("outside", "metadata-of-the-cloud-by-ipv6", {}, "fd00:ec2::254"),
)


def hosts_of(manifests: Mapping[str, Sequence[Object]]) -> list[Host]:
    """The pods of the releases, the Jobs of ops/, a pod that somebody put beside each app, and the others."""
    hosts = []
    for number, (namespace, items) in enumerate(manifests.items()):
        for index, pods in enumerate(pods_of(items)):
            kind, _, name = pods.owner.partition(" ")
            assert kind in ("Deployment", "StatefulSet")
            # Two of a kind tell what all of them may do among themselves.
            for copy in range(min(pods.count, 2)):
                called = name if pods.count == 1 else f"{name}-{copy}"
                hosts.append(Host(namespace, called, pods.labels or {}, f"10.0.{number}.{10 * copy + index + 1}"))
        hosts.append(Host(namespace, "stranger", {"app": "stranger"}, f"10.0.{number}.100"))
    job = {"librechat-mongodb-client": "true"}
    return [*hosts, Host("librechat", "job-of-ops", job, "10.0.8.1"), *OTHERS]


def table(
    stack: str, changes: Mapping[str, Any], directory: Path, *more: Host, beside: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """The allowed connections of a stack; `more` are further pods of its namespaces, `beside` further policies."""
    manifests = rendered(load_settings(stack, {**CHARTS, **changes}))
    policies: list[Mapping[str, Any]] = [*native(stack, changes, POLICY), *beside]
    policies += [item for items in manifests.values() for item in items if item["kind"] == "NetworkPolicy"]
    hosts = [*hosts_of(manifests), *more]
    ours = {host.key for host in hosts if host.namespace in manifests}
    # What others do among themselves is none of this stack's business.
    return [line for line in allowed(policies, hosts, directory) if {line.split()[0], line.split()[2]} & ours]


@pytest.mark.parametrize("stack", ["dev", "prod", "ha"])
def test_exactly_the_connections_of_the_reviewed_table_are_allowed(stack: str, tmp_path: Path) -> None:
    reviewed = (GOLDEN / f"connections.{stack}.txt").read_text(encoding="utf-8").splitlines()
    assert table(stack, {}, tmp_path) == [line for line in reviewed if not line.startswith("#")]


EXISTING = {
    "librechat": {
        "tlsSecret": ABSENT,
        "certClusterIssuer": "letsencrypt",
        "storage": {"mongodb": ABSENT, "meilisearch": ABSENT},
        "mongodb": {"secret": "mongo", "at": [{"namespace": "databases"}]},
        "meilisearch": {"host": "http://203.0.113.9:7700", "secret": "search", "at": [{"cidr": "203.0.113.9/32"}]},
    }
}


def test_with_database_and_search_brought_along_exactly_their_places_are_reached(tmp_path: Path) -> None:
    reviewed = (GOLDEN / "connections.existing.txt").read_text(encoding="utf-8").splitlines()
    solver = Host("librechat", "acme-solver", SOLVER, "10.0.8.2")
    found = table("prod", EXISTING, tmp_path, solver)
    assert found == [line for line in reviewed if not line.startswith("#")]


def test_a_policy_that_lets_anybody_in_shows_in_the_table(tmp_path: Path) -> None:
    opened = to_mongodb({"port": 27017})
    assert "another-team/pod -> librechat/librechat-mongodb  27017/TCP" in table("dev", {}, tmp_path, beside=[opened])


def to_mongodb(*ports: Mapping[str, Any]) -> dict[str, Any]:
    """A policy that lets anybody in at these ports, or at all where none is named."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open", "namespace": "librechat"},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "mongodb"}},
            "ingress": [{"ports": list(ports)} if ports else {}],
            "policyTypes": ["Ingress"],
        },
    }


@pytest.mark.parametrize(
    ("ports", "shown"),
    [
        ([{"port": 9216}], {"9216/TCP"}),
        ([{"port": 8081, "protocol": "UDP"}], {"8081/UDP"}),
        ([{"protocol": "UDP"}], {"53/UDP", "8081/UDP"}),
    ],
)
def test_a_port_that_only_one_policy_names_shows_in_the_table(
    ports: list[dict[str, Any]], shown: set[str], tmp_path: Path
) -> None:
    lines = table("dev", {}, tmp_path, beside=[to_mongodb(*ports)])
    called = [line for line in lines if line.startswith("another-team/pod -> ")]
    assert {line.split("  ")[1] for line in called} == shown


def test_a_policy_of_every_port_shows_at_one_that_no_policy_names(tmp_path: Path) -> None:
    lines = table("dev", {}, tmp_path, beside=[to_mongodb()])
    assert "another-team/pod -> librechat/librechat-mongodb  8081/TCP" in lines
    assert "another-team/pod -> librechat/librechat-mongodb  8081/UDP" in lines


@pytest.mark.parametrize("entry", [{"port": 27017, "endPort": 27019}, {"port": "mongodb"}])
def test_ports_that_the_table_can_not_hold_are_an_error(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a range of ports, or the name of one"):
        table("dev", {}, tmp_path, beside=[to_mongodb(entry)])


def test_without_a_registry_ollama_reaches_nothing_outside(tmp_path: Path) -> None:
    lines = table("dev", {"ollama": {"registry": False}}, tmp_path)
    assert [line for line in lines if line.startswith("ollama/ollama ")] == [
        "ollama/ollama -> kube-system/dns  53/TCP",
        "ollama/ollama -> kube-system/dns  53/UDP",
    ]


def test_further_egress_opens_those_addresses_and_ports_and_nothing_else(tmp_path: Path) -> None:
    more = {"librechat": {"egress": [{"cidr": "203.0.113.0/24", "ports": [80]}]}}
    assert set(table("dev", more, tmp_path / "more")) - set(table("dev", {}, tmp_path / "plain")) == {
        "librechat/librechat -> outside/internet  80/TCP"
    }


def test_addresses_of_load_balancers_reach_the_chat_and_nothing_else(tmp_path: Path) -> None:
    more = {"network": {"ingressAddresses": ["203.0.113.0/24"]}}
    assert set(table("prod", more, tmp_path / "more")) - set(table("prod", {}, tmp_path / "plain")) == {
        "outside/internet -> librechat/librechat  3080/TCP"
    }


def test_other_namespaces_of_controller_and_dns_are_a_setting(tmp_path: Path) -> None:
    moved = {
        "network": {name: {"kubernetes.io/metadata.name": "another-team"} for name in ("ingressController", "dns")}
    }
    lines = table("prod", moved, tmp_path)
    assert "another-team/pod -> librechat/librechat  3080/TCP" in lines
    assert "librechat/librechat -> another-team/pod  53/UDP" in lines
    assert not [line for line in lines if "ingress-nginx/" in line or "kube-system/" in line]
