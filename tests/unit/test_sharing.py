"""Stacks of one app, whose LibreChat finds its models elsewhere: what is allowed, what is refused, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.faults import SettingsError
from tests.unit.deployment import ABSENT, Changes, attempt, deploy, load_settings
from tests.unit.recording import (
    LIBRECHAT,
    NAMESPACE,
    OLLAMA,
    POLICY,
    RELEASE,
    STACK,
    Deployment,
    ProviderMocks,
)

MODELS = "organization/private-chatgpt/models"
HAS = ["llama3.1:8b", "mistral-nemo:12b"]
OUTPUTS: dict[str, Any] = {
    "ollamaUrl": "http://ollama.models.svc:11434",
    "models": HAS,
    "namespaces": {"ollama": "models"},
    "clients": ["blue-librechat", "red-librechat"],
}
BY_STACK: Changes = {"ollama": ABSENT, "team": "blue", "sharedOllama": {"stack": MODELS}}
URL = "http://ollama.models.svc:11434"


def by_url(**keys: Any) -> dict[str, Any]:
    """Changes of prod after which its models come from a URL; None leaves a key out."""
    shared = {"url": URL, "models": HAS, **keys}
    return {"ollama": ABSENT, "sharedOllama": {key: value for key, value in shared.items() if value is not None}}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the stack of the shared Ollama exports; a test may change it."""
    outputs = dict(OUTPUTS)
    monkeypatch.setattr(ProviderMocks, "stacks", {MODELS: outputs})
    return outputs


def refused(changes: Changes, stack: str = "prod") -> str:
    """The one fault of the program, before anything but a StackReference is asked of the engine."""
    deployment = attempt(stack, changes)
    assert isinstance(deployment.error, SettingsError), deployment.error
    assert {item.type for item in deployment.registrations} <= {STACK}
    count, fault = str(deployment.error).splitlines()
    assert count.startswith("1 setting can't be used; nothing was changed.")
    return fault.strip()


def endpoint(deployment: Deployment) -> dict[str, Any]:
    """The endpoint of librechat.yaml that stands for Ollama."""
    config = yaml.safe_load(deployment.values("librechat")["librechat"]["configYamlContent"])
    (found,) = [item for item in config["endpoints"]["custom"] if item["name"] == "Ollama"]
    return dict(found)


def rules_of(deployment: Deployment, policy: str, direction: str) -> list[dict[str, Any]]:
    """The rules of a NetworkPolicy; `policy` is its name in the program."""
    return list(deployment.one(POLICY, policy).inputs["spec"][direction])


def test_the_models_of_the_shared_ollama_are_those_of_the_chat(told: dict[str, Any]) -> None:
    deployment = deploy("prod", BY_STACK)
    assert endpoint(deployment)["models"] == {"default": HAS, "fetch": False}
    assert endpoint(deployment)["baseURL"] == "http://ollama.models.svc:11434/v1"
    assert deployment.outputs["models"] == HAS
    assert deployment.outputs["ollamaUrl"] == "http://ollama.models.svc:11434"
    assert "clients" not in deployment.outputs


def test_a_stack_with_a_shared_ollama_makes_nothing_of_ollama(told: dict[str, Any]) -> None:
    deployment = deploy("prod", BY_STACK)
    assert [item.name for item in deployment.of_type(RELEASE)] == ["librechat"]
    assert not deployment.of_type(OLLAMA)
    assert deployment.outputs["namespaces"] == {"librechat": "blue-librechat"}
    assert deployment.outputs["chartVersions"].keys() == deployment.outputs["releaseStatus"].keys() == {"librechat"}


def test_its_librechat_is_let_out_to_the_shared_ollama_and_no_further(told: dict[str, Any]) -> None:
    before, after = deploy("prod", {"team": "blue"}), deploy("prod", BY_STACK)
    own, shared = (rules_of(each, "librechat-allow-librechat", "egress") for each in (before, after))
    assert own[1:] == shared[1:]
    (peer,) = shared[0]["to"]
    assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "models"}}
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "ollama"
    assert shared[0]["ports"] == [{"port": 11434, "protocol": "TCP"}]


def test_a_default_model_that_the_shared_ollama_lacks_is_an_error_that_lists_what_it_has(told: dict[str, Any]) -> None:
    assert refused({**BY_STACK, "librechat": {"defaultModel": "c:3b"}}) == (
        'Pulumi.prod.yaml: librechat.defaultModel found "c:3b", which the shared Ollama does not have; allowed: '
        f"llama3.1:8b, mistral-nemo:12b. Choose one, or add it to ollama.models of the stack {MODELS}"
    )


def test_a_model_in_librechat_yaml_that_the_shared_ollama_lacks_is_an_error(told: dict[str, Any]) -> None:
    replaced = yaml.safe_dump(
        {
            "version": "1.3.13",
            "endpoints": {
                "custom": [
                    {
                        "name": "Ollama",
                        "apiKey": "ollama",
                        "baseURL": "http://ollama.models.svc:11434/v1",
                        "models": {"default": ["llama3.1:8b", "missing:7b"]},
                    }
                ]
            },
        }
    )
    values = {"librechat": {"configYamlContent": replaced}}
    fault = refused({**BY_STACK, "librechat": {"values": values}})
    assert 'found "missing:7b", which Ollama does not have; allowed: llama3.1:8b, mistral-nemo:12b.' in fault
    assert f"add it to ollama.models of the stack {MODELS}" in fault


def test_a_namespace_that_the_shared_ollama_does_not_let_in_is_an_error_that_says_where_to_add_it(
    told: dict[str, Any],
) -> None:
    assert refused({**BY_STACK, "team": "green"}) == (
        f'Pulumi.prod.yaml: sharedOllama.stack found "{MODELS}", whose Ollama lets in these namespaces and not '
        "green-librechat: blue-librechat, red-librechat; allowed: a stack that lets it in. Add green-librechat to "
        f"ollama.clients there, then pulumi up --stack {MODELS}"
    )


def test_without_network_rules_the_shared_ollama_lets_everybody_in(told: dict[str, Any]) -> None:
    del told["clients"]
    assert deploy("prod", {**BY_STACK, "team": "green"}).outputs["models"] == HAS


@pytest.mark.parametrize("missing", ["ollamaUrl", "models", "namespaces"])
def test_a_stack_without_an_ollama_of_its_own_is_an_error(told: dict[str, Any], missing: str) -> None:
    del told[missing]
    assert "which has no Ollama of its own; allowed: a stack of this program with ollama" in refused(BY_STACK)


def test_an_ollama_alone_tells_other_stacks_what_they_need() -> None:
    alone: Changes = {"librechat": ABSENT, "team": "models", "ollama": {"clients": ["blue-librechat"]}}
    deployment = deploy("prod", alone)
    assert [item.name for item in deployment.of_type(RELEASE)] == ["ollama"]
    assert not deployment.of_type(LIBRECHAT)
    assert deployment.outputs.keys() == {
        *("team", "ollamaUrl", "models", "clients", "namespaces", "chartVersions", "releaseStatus")
    }
    assert deployment.outputs["namespaces"] == {"ollama": "models-ollama"}
    assert deployment.outputs["clients"] == ["blue-librechat"]


def test_only_the_librechat_of_clients_is_let_in() -> None:
    alone: Changes = {"librechat": ABSENT, "ollama": {"clients": ["blue-librechat", "red-chat"]}}
    (rule,) = rules_of(deploy("prod", alone), "ollama-allow-ollama", "ingress")
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "librechat"}},
        }
        for namespace in ("blue-librechat", "red-chat")
    ]


def test_an_ollama_that_nobody_shares_lets_nobody_in() -> None:
    assert rules_of(deploy("prod", {"librechat": ABSENT}), "ollama-allow-ollama", "ingress") == []


def test_a_url_in_the_cluster_is_let_through_to_its_namespace_alone() -> None:
    deployment = deploy("prod", by_url(url="http://models.ai.svc.cluster.local:80"))
    (peer,) = rules_of(deployment, "librechat-allow-librechat", "egress")[0]["to"]
    assert peer == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ai"}}}
    assert endpoint(deployment)["baseURL"] == "http://models.ai.svc.cluster.local:80/v1"


def test_a_namespace_says_that_a_url_is_in_the_cluster() -> None:
    deployment = deploy("prod", by_url(url="http://models.example.com", namespace="ai"))
    rule = rules_of(deployment, "librechat-allow-librechat", "egress")[0]
    assert rule["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ai"}}}]
    assert [item["port"] for item in rule["ports"]] == [80, 11434]


EGRESS = [{"cidr": "203.0.113.7/32", "ports": [443, 80, 8443]}]


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "https://models.example.com"},
        {"url": "https://models.example.com:8443/ollama"},
        {"url": "http://203.0.113.7:80"},
        {"url": "http://ollama.corp.internal"},
        {"url": "http://models.example.com", "allowPlainHttp": True},
    ],
)
def test_an_ollama_outside_of_the_cluster_is_reached_by_egress_alone(keys: dict[str, Any]) -> None:
    deployment = deploy("prod", {**by_url(**keys), "librechat": {"egress": EGRESS}})
    rules = rules_of(deployment, "librechat-allow-librechat", "egress")
    assert [rule["to"] for rule in rules if "ipBlock" in rule["to"][0]] == [[{"ipBlock": {"cidr": "203.0.113.7/32"}}]]
    assert not any("namespaceSelector" in peer for rule in rules for peer in rule["to"])


@pytest.mark.parametrize("url", ["http://models.example.com", "http://9.9.9.9", "http://ollama:80"])
def test_plain_http_outside_of_the_cluster_is_an_error_unless_allowed_by_name(url: str) -> None:
    fault = refused({**by_url(url=url), "network": {"policies": False}})
    assert fault.startswith(f'Pulumi.prod.yaml: sharedOllama.url found "{url}": outside of the cluster, over http')
    assert fault.endswith("or sharedOllama.allowPlainHttp: true")


def test_an_ollama_outside_of_the_cluster_that_no_egress_leads_to_is_an_error() -> None:
    fault = refused(by_url(url="https://models.example.com:8443"))
    assert fault.startswith("Pulumi.prod.yaml: librechat.egress has no entry with port 8443, but sharedOllama.url is")
    assert '[{cidr: "203.0.113.7/32", ports: [8443]}]' in fault
    load_settings("prod", {**by_url(url="https://models.example.com:8443"), "network": {"policies": False}})


def test_localhost_is_no_address_of_a_shared_ollama() -> None:
    assert "which in a pod is the pod itself" in refused(by_url(url="http://localhost:11434"))


def test_an_address_that_no_network_of_egress_holds_is_an_error() -> None:
    url = by_url(url="http://10.1.2.3:80")
    elsewhere = [{"cidr": "203.0.113.7/32", "ports": [80]}, {"cidr": "10.1.0.0/16", "ports": [443]}]
    fault = refused({**url, "librechat": {"egress": elsewhere}})
    assert fault.startswith("Pulumi.prod.yaml: librechat.egress has no entry with 10.1.2.3 and port 80, but")
    assert '[{cidr: "10.1.2.3/32", ports: [80]}]' in fault
    load_settings("prod", {**url, "librechat": {"egress": [{"cidr": "10.1.0.0/16", "ports": [80]}]}})


def test_at_a_url_the_default_model_is_one_of_those_that_are_said_to_be_there() -> None:
    fault = refused({**by_url(), "librechat": {"defaultModel": "c:3b"}})
    assert fault.endswith("allowed: llama3.1:8b, mistral-nemo:12b. Choose one, or add it to sharedOllama.models")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"ollama": ABSENT}, "ollama is missing; allowed: the keys of ollama. A stack with librechat has ollama, or"),
        ({"ollama": ABSENT, "librechat": ABSENT}, "ollama is missing; allowed: the keys of ollama. A stack has ollama"),
        ({"sharedOllama": {"stack": MODELS}}, "sharedOllama is set beside ollama; allowed: one of them."),
        ({**by_url(), "librechat": ABSENT}, "no LibreChat would use it"),
        (by_url(stack=MODELS), "sharedOllama both stack and url are set; allowed: one of them"),
        (by_url(url=None), "sharedOllama neither stack nor url is set; allowed: one of them"),
        (by_url(models=None), "sharedOllama.models is missing; allowed: a list of one or more names"),
        (by_url(models=[]), "sharedOllama.models is missing; allowed: a list of one or more names"),
        (by_url(models=["a:1b", "llama3.1:8b", "a:1b"]), 'sharedOllama.models found "a:1b" more than once'),
        ({"ollama": ABSENT, "sharedOllama": {"stack": "models"}}, "sharedOllama.stack found"),
        (by_url(url="https://user:password@models.example.com"), "sharedOllama.url found"),
        (by_url(url="https://models.example.com/v1"), "allowed: http(s)://host[:port][/path], without /v1"),
        (by_url(url="https://models.example.com:99999"), "sharedOllama.url found"),
        ({"ollama": {"clients": ["Blue"]}}, "ollama.clients.0 found"),
        ({"team": "Blue"}, 'team found "Blue"; allowed: a DNS label of up to 53 characters'),
        ({"team": "b" * 54}, "team found"),
        ({"team": "7"}, "team found 7"),
        ({"team": "null"}, "team found null; allowed: another name, or no team at all: then leave the key out"),
        ({"team": {}}, "team found {}"),
    ],
)
def test_parts_that_make_no_stack_together_are_an_error(changes: Changes, found: str) -> None:
    fault = refused(changes)
    assert found in fault


@pytest.mark.parametrize("key", ["models", "namespace", "allowPlainHttp"])
def test_what_the_other_stack_tells_is_not_said_again(key: str, told: dict[str, Any]) -> None:
    value = {"models": HAS, "namespace": "ai", "allowPlainHttp": True}[key]
    fault = refused({**BY_STACK, "sharedOllama": {"stack": MODELS, key: value}})
    assert f"sharedOllama.{key} is set beside stack, which tells it" in fault


def test_namespaces_follow_from_the_team_unless_they_are_set() -> None:
    deployment = deploy("prod", {"team": "blue", "ollama": {"namespace": "gpu-models"}})
    assert {item.inputs["metadata"]["name"] for item in deployment.of_type(NAMESPACE)} == {
        "gpu-models",
        "blue-librechat",
    }
    assert deployment.outputs["team"] == "blue"


@pytest.mark.parametrize("stack", ["prod", "ha"])
def test_everything_that_the_stack_owns_says_whose_team_it_is_of(stack: str) -> None:
    deployment = deploy(stack, {"team": "blue", "ollama": {"priority": 5}, "access": {"viewers": ["readers"]}})
    owned = [item for item in deployment.registrations if item.type.startswith("kubernetes:") and item.type != RELEASE]
    assert len(owned) > 15
    assert {item.inputs["metadata"]["labels"]["private-chatgpt/team"] for item in owned} == {"blue"}


def test_two_teams_with_the_same_settings_name_nothing_alike_on_a_cluster() -> None:
    def names(team: str) -> set[tuple[str, str, str]]:
        deployment = deploy("prod", {"team": team, "ollama": {"priority": 5}, "access": {"operators": ["on-call"]}})
        owned = [item for item in deployment.registrations if item.type.startswith("kubernetes:")]
        places = [item.inputs.get("metadata", item.inputs) for item in owned]
        return {
            (item.type, place.get("namespace", ""), place["name"]) for item, place in zip(owned, places, strict=True)
        }

    blue, red = names("blue"), names("red")
    assert len(blue) == len(red) > 20
    assert not blue & red
