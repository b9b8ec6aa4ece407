"""Who reaches an Ollama that several teams share, as cyclonus works it out: a table, reviewed like code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ops.preflight_checks.manifests import pods_of
from tests.engine.manifests import CHARTS, native, rendered
from tests.engine.network_model import Host, allowed
from tests.unit.deployment import ABSENT, load_settings
from tests.unit.recording import POLICY, ProviderMocks

GOLDEN = Path(__file__).parent / "golden" / "connections.shared.txt"
STACK = "organization/private-chatgpt/models"
HAS = ["llama3.2:1b"]
URL = "http://ollama.models-ollama.svc:11434"
MODELS = {"team": "models", "librechat": ABSENT, "ollama": {"clients": ["blue-librechat"]}}
BLUE = {"team": "blue", "ollama": ABSENT, "sharedOllama": {"stack": STACK}}
RED = {"team": "red", "ollama": ABSENT, "sharedOllama": {"url": URL, "models": HAS}}
"""Named by URL, so nobody tells red that it isn't let in."""
OUTSIDE = (
    Host("ingress-nginx", "controller", {"app.kubernetes.io/name": "ingress-nginx"}, "10.0.9.1"),
    Host("kube-system", "dns", {"k8s-app": "kube-dns"}, "10.0.9.2"),
    Host("outside", "internet", {}, "203.0.113.9"),
)


@pytest.fixture(autouse=True)
def _deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {
        "ollamaUrl": URL,
        "models": HAS,
        "namespaces": {"ollama": "models-ollama"},
        "clients": ["blue-librechat"],
    }
    monkeypatch.setattr(ProviderMocks, "stacks", {STACK: outputs})


def table(models: Mapping[str, Any], directory: Path) -> list[str]:
    """The allowed connections to and from the shared Ollama's namespace."""
    stacks = {"models": models, "blue": BLUE, "red": RED}
    policies: list[Mapping[str, Any]] = [item for each in stacks.values() for item in native("dev", each, POLICY)]
    hosts = list(OUTSIDE)
    for number, changes in enumerate(stacks.values()):
        # The pods are those of a stack that names the same Ollama by URL: the engine need not be asked for it.
        by_url = {**changes, "sharedOllama": RED["sharedOllama"]} if "sharedOllama" in changes else changes
        for namespace, items in rendered(load_settings("dev", {**CHARTS, **by_url})).items():
            policies += [item for item in items if item["kind"] == "NetworkPolicy"]
            for index, pods in enumerate(pods_of(items)):
                name = pods.owner.partition(" ")[2]
                hosts.append(Host(namespace, name, pods.labels or {}, f"10.0.{number}.{index + 1}"))
            hosts.append(Host(namespace, "stranger", {"app": "stranger"}, f"10.0.{number}.100"))
    return [line for line in allowed(policies, hosts, directory) if "models-ollama/" in line]


def test_exactly_the_connections_of_the_reviewed_table_are_allowed(tmp_path: Path) -> None:
    reviewed = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert table(MODELS, tmp_path) == [line for line in reviewed if not line.startswith("#")]


def test_a_client_gets_through_and_another_namespace_does_not(tmp_path: Path) -> None:
    both = {**MODELS, "ollama": {"clients": ["blue-librechat", "red-librechat"]}}
    added = set(table(both, tmp_path / "both")) - set(table(MODELS, tmp_path / "blue"))
    assert added == {"red-librechat/librechat -> models-ollama/ollama  11434/TCP"}


def test_an_ollama_without_clients_is_reached_by_nobody(tmp_path: Path) -> None:
    nobody = {**MODELS, "ollama": {"clients": []}}
    assert [line for line in table(nobody, tmp_path) if " -> models-ollama/" in line] == []
