"""Values that would take an app away from its guardrails are errors: names, labels and ports, policies beside them."""

from __future__ import annotations

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import load_settings

REDIS_IMAGE = {
    "architecture": "standalone",
    "master": {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}},
}
OPEN = {"networkPolicy": {"enabled": True}}


def fault(stack: str, app: str, values: dict[str, Any]) -> str:
    """The one fault of these Helm values."""
    with pytest.raises(SettingsError) as refused:
        load_settings(stack, {app: {"values": values}})
    count, text = str(refused.value).splitlines()
    assert count.startswith("1 setting can't be used")
    return text.strip()


@pytest.mark.parametrize(
    ("stack", "part", "policy"),
    [
        ("dev", "mongodb", {"enabled": True}),
        ("ha", "redis", {"enabled": True}),
        ("dev", "mongodb", {"enabled": True, "allowExternal": False}),
        ("dev", "mongodb", {"enabled": True, "allowExternal": True, "allowExternalEgress": False}),
        ("dev", "mongodb", {"enabled": True, "allowExternal": None, "allowExternalEgress": False}),
    ],
)
def test_a_policy_of_a_chart_that_opens_what_the_stacks_close_is_an_error(
    stack: str, part: str, policy: dict[str, Any]
) -> None:
    text = fault(stack, "librechat", {part: {"networkPolicy": policy}})
    assert text.startswith(f"Pulumi.{stack}.yaml: librechat.values: {part}.networkPolicy.enabled found true, and ")
    assert "allowed: false, which leaves the stack's own, or allowExternal and allowExternalEgress false" in text
    assert text.endswith("network.policies: false")


def test_a_policy_that_a_chart_makes_unasked_is_an_error_at_the_part_that_is_switched_on() -> None:
    text = fault("dev", "librechat", {"redis": {"enabled": True, **REDIS_IMAGE}})
    assert text.startswith("Pulumi.dev.yaml: librechat.values: redis.networkPolicy.enabled is by default true, and ")


@pytest.mark.parametrize(
    ("stack", "changes"),
    [
        ("dev", {"librechat": {"values": {"mongodb": {"networkPolicy": {"enabled": False}}}}}),
        ("dev", {"librechat": {"values": {"mongodb": {"networkPolicy": {"enabled": None}}}}}),
        ("dev", {"librechat": {"values": {"mongodb": OPEN}}, "network": {"policies": False}}),
        ("dev", {"librechat": {"values": {"redis": OPEN}}}),
        (
            "ha",
            {
                "librechat": {
                    "values": {
                        part: {"networkPolicy": {"enabled": True, "allowExternal": False, "allowExternalEgress": False}}
                        for part in ("mongodb", "redis")
                    }
                }
            },
        ),
    ],
    ids=["off", "taken away", "no policies wanted", "a part that is off", "closed"],
)
def test_a_policy_of_a_chart_that_opens_nothing_is_let_through(stack: str, changes: dict[str, Any]) -> None:
    load_settings(stack, changes)


@pytest.mark.parametrize(
    ("app", "values", "key"),
    [
        ("ollama", {"fullnameOverride": "models"}, "fullnameOverride"),
        ("ollama", {"fullnameOverride": None}, "fullnameOverride"),
        ("ollama", {"nameOverride": "models"}, "nameOverride"),
        ("ollama", {"namespaceOverride": "models"}, "namespaceOverride"),
        ("librechat", {"fullnameOverride": "chat"}, "fullnameOverride"),
        ("librechat", {"nameOverride": "chat"}, "nameOverride"),
        ("librechat", {"mongodb": {"nameOverride": "db"}}, "mongodb.nameOverride"),
        ("librechat", {"mongodb": {"fullnameOverride": "db"}}, "mongodb.fullnameOverride"),
        ("librechat", {"mongodb": {"namespaceOverride": "db"}}, "mongodb.namespaceOverride"),
        ("librechat", {"mongodb": {"global": {"namespaceOverride": "db"}}}, "mongodb.global.namespaceOverride"),
        ("librechat", {"mongodb": {"service": {"nameOverride": "db"}}}, "mongodb.service.nameOverride"),
        ("librechat", {"meilisearch": {"fullnameOverride": "search"}}, "meilisearch.fullnameOverride"),
        ("librechat", {"redis": {"nameOverride": "cache"}}, "redis.nameOverride"),
    ],
)
def test_another_name_than_the_guardrails_know_is_an_error(app: str, values: dict[str, Any], key: str) -> None:
    text = fault("ha", app, values)
    assert text.startswith(f"Pulumi.ha.yaml: {app}.values: {key} found ")
    assert text.endswith(f"allowed: nothing here. Drop it; a namespace is set by {app}.namespace")


def test_a_name_that_changes_nothing_is_let_through() -> None:
    off = {"redis": {"enabled": False, "nameOverride": "cache"}, "mongodb": {"nameOverride": ""}}
    load_settings("dev", {"librechat": {"values": {"fullnameOverride": "librechat", **off}}})


@pytest.mark.parametrize(
    ("app", "values", "key", "port"),
    [
        ("ollama", {"ollama": {"port": 8080}}, "ollama.port", 11434),
        ("ollama", {"service": {"port": 80}}, "service.port", 11434),
        ("librechat", {"service": {"port": 80}}, "service.port", 3080),
        ("librechat", {"service": {"containerPort": "8080"}}, "service.containerPort", 3080),
        ("librechat", {"mongodb": {"containerPorts": {"mongodb": 1}}}, "mongodb.containerPorts.mongodb", 27017),
        ("librechat", {"mongodb": {"service": {"ports": {"mongodb": 1}}}}, "mongodb.service.ports.mongodb", 27017),
        ("librechat", {"meilisearch": {"service": {"port": 80}}}, "meilisearch.service.port", 7700),
        (
            "librechat",
            {"meilisearch": {"container": {"containerPort": 1}}},
            "meilisearch.container.containerPort",
            7700,
        ),
        (
            "librechat",
            {"redis": {"master": {"containerPorts": {"redis": 1}}}},
            "redis.master.containerPorts.redis",
            6379,
        ),
    ],
)
def test_another_port_than_the_guardrails_know_is_an_error(
    app: str, values: dict[str, Any], key: str, port: int
) -> None:
    text = fault("ha", app, values)
    assert text.startswith(f"Pulumi.ha.yaml: {app}.values: {key} found ")
    assert text.endswith(f"but network rules and addresses lead to {port}; allowed: {port}. Drop it")


@pytest.mark.parametrize("label", ["app.kubernetes.io/name", "app.kubernetes.io/instance"])
@pytest.mark.parametrize(
    ("app", "at"),
    [
        ("ollama", ("podLabels",)),
        ("librechat", ("podLabels",)),
        ("librechat", ("mongodb", "podLabels")),
        ("librechat", ("mongodb", "commonLabels")),
        ("librechat", ("meilisearch", "customLabels")),
        ("librechat", ("redis", "master", "podLabels")),
    ],
)
def test_another_label_than_the_guardrails_select_by_is_an_error(app: str, at: tuple[str, ...], label: str) -> None:
    values: dict[str, Any] = {label: "other"}
    for key in reversed(at):
        values = {key: values}
    text = fault("ha", app, values)
    assert text.startswith(f'Pulumi.ha.yaml: {app}.values: {".".join(at)} found {label}: "other", but network rules')
    assert text.endswith("allowed: other labels. Drop it")


FURTHER = {"kind": "NetworkPolicy", "metadata": {"name": "open"}}


@pytest.mark.parametrize(
    ("app", "values", "place"),
    [
        ("ollama", {"extraObjects": [{"kind": "ConfigMap"}, FURTHER]}, "extraObjects.1 found NetworkPolicy"),
        (
            "ollama",
            {"extraObjects": {"a": {"kind": "CiliumNetworkPolicy"}}},
            "extraObjects.a found CiliumNetworkPolicy",
        ),
        ("ollama", {"extraObjects": ["kind: NetworkPolicy\n"]}, "extraObjects.0 found NetworkPolicy"),
        ("librechat", {"mongodb": {"extraDeploy": [FURTHER]}}, "mongodb.extraDeploy.0 found NetworkPolicy"),
        ("librechat", {"redis": {"extraDeploy": [FURTHER]}}, "redis.extraDeploy.0 found NetworkPolicy"),
    ],
)
def test_a_policy_among_further_objects_is_an_error(app: str, values: dict[str, Any], place: str) -> None:
    text = fault("ha", app, values)
    assert text.startswith(f"Pulumi.ha.yaml: {app}.values: {place}, and policies add up: ")
    assert text.endswith("network.policies: false")
    load_settings("ha", {app: {"values": values}, "network": {"policies": False}})


def test_ports_labels_and_objects_that_change_nothing_are_let_through() -> None:
    ollama = {"ollama": {"port": "11434"}, "podLabels": {"team": "blue"}, "extraObjects": [{"kind": "ConfigMap"}]}
    off = {"redis": {"enabled": False, "master": {"containerPorts": {"redis": 1}}, "extraDeploy": [FURTHER]}}
    load_settings("dev", {"ollama": {"values": ollama}, "librechat": {"values": off}})
