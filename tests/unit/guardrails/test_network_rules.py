"""Who calls from outside of the cluster, and what is called there: addresses and ports of the network rules.

tests/engine/test_network.py holds what the rules allow altogether.
"""

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import ABSENT, deploy, load_settings
from tests.unit.recording import POLICY

ADDRESSES = ["10.0.0.0/16", "2001:db8::/32"]
CALLED = {"ollama-allow-ollama": 11434, "librechat-allow-librechat": 3080, "librechat-allow-acme": 8089}


def test_load_balancers_that_are_no_pods_are_let_in_by_their_addresses() -> None:
    told = {"auth-type": "oidc", "certificate-arn": "arn:aws:acm:eu-central-1:1:certificate/models"}
    asking = {"enabled": True, "annotations": {f"alb.ingress.kubernetes.io/{key}": text for key, text in told.items()}}
    changes = {
        "network": {"ingressAddresses": ADDRESSES},
        "ollama": {"values": {"ingress": asking}},
        "librechat": {"tlsSecret": ABSENT, "certIssuer": "letsencrypt"},
    }
    deployment = deploy("prod", changes)
    for name, port in (
        ("ollama-allow-ollama", 11434),
        ("librechat-allow-librechat", 3080),
        ("librechat-allow-acme", 8089),
    ):
        (rule,) = deployment.one(POLICY, name).inputs["spec"]["ingress"]
        assert rule["from"][-2:] == [{"ipBlock": {"cidr": cidr}} for cidr in ADDRESSES], name
        assert rule["ports"] == [{"port": port, "protocol": "TCP"}], name


def test_addresses_of_load_balancers_open_nothing_where_there_is_no_ingress() -> None:
    deployment = deploy("dev", {"network": {"ingressAddresses": ADDRESSES}})
    assert deployment.one(POLICY, "librechat-allow-librechat").inputs["spec"]["ingress"] == []
    (rule,) = deployment.one(POLICY, "ollama-allow-ollama").inputs["spec"]["ingress"]
    assert not [peer for peer in rule["from"] if "ipBlock" in peer]


def test_dns_that_listens_elsewhere_is_reached_there_and_at_its_cache_on_the_node() -> None:
    deployment = deploy("prod", {"network": {"dnsPort": 5353}})
    (rule,) = deployment.one(POLICY, "ollama-default-deny").inputs["spec"]["egress"]
    both = [(port, protocol) for port in (53, 5353) for protocol in ("UDP", "TCP")]
    assert [(item["port"], item["protocol"]) for item in rule["ports"]] == both


@pytest.mark.parametrize(
    ("key", "value"),
    [("ingressAddresses", ["10.0.0.7"]), ("ingressAddresses", ["alb"]), ("dnsPort", 0), ("dnsPort", "53")],
)
def test_an_address_or_a_port_that_is_none_is_refused(key: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"network\.{key}[.0]* found .*; allowed: a "):
        load_settings("prod", {"network": {key: value}})


def test_registries_are_called_at_either_kind_of_address_and_nothing_private_is() -> None:
    (rule,) = deploy("prod").one(POLICY, "ollama-allow-ollama").inputs["spec"]["egress"]
    fourth, sixth = (peer["ipBlock"] for peer in rule["to"])
    assert (fourth["cidr"], sixth) == ("0.0.0.0/0", {"cidr": "::/0", "except": ["fc00::/7", "fe80::/10"]})
    assert {"10.0.0.0/8", "169.254.0.0/16"} < set(fourth["except"])


def test_a_service_that_leads_to_the_chat_past_its_ingress_lets_anybody_in() -> None:
    opened = {"allowPlainHttp": True, "values": {"service": {"type": "LoadBalancer"}}}
    (rule,) = deploy("dev", {"librechat": opened}).one(POLICY, "librechat-allow-librechat").inputs["spec"]["ingress"]
    assert rule == {
        "from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}],
        "ports": [{"port": 3080, "protocol": "TCP"}],
    }
