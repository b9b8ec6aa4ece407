"""LibreChat: the seven values that it needs to talk to its parts, its way in, its librechat.yaml."""

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.unit.deployment import ABSENT, Changes, copy_project, deploy
from tests.unit.recording import NAMESPACE, Deployment

HTTP = {"librechat": {"tlsSecret": ABSENT, "allowPlainHttp": True}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose librechat.yaml a test may change."""
    return copy_project(tmp_path)


def environment(deployment: Deployment) -> dict[str, str]:
    """The plain environment of LibreChat."""
    return cast(dict[str, str], deployment.values("librechat")["librechat"]["configEnv"])


def config(deployment: Deployment) -> dict[str, Any]:
    """librechat.yaml, as LibreChat reads it."""
    return cast(dict[str, Any], yaml.safe_load(deployment.values("librechat")["librechat"]["configYamlContent"]))


def endpoint(deployment: Deployment) -> dict[str, Any]:
    """The one endpoint called Ollama."""
    (found,) = (item for item in config(deployment)["endpoints"]["custom"] if item["name"] == "Ollama")
    return cast(dict[str, Any], found)


def write_app_file(project: Path, text: str, name: str = "librechat.yaml") -> None:
    """Write librechat.yaml, or an overlay of it, into a copy of the project."""
    (project / "values" / "app" / name).write_text(text)


def test_the_seven_values_that_the_app_needs_reach_its_pod(deployed: Deployment) -> None:
    values = deployed.values("librechat")
    secret = deployed.secret_data(values["global"]["librechat"]["existingSecretName"])
    for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV", "MONGO_URI"):
        assert secret[name], name
    assert environment(deployed)["MEILI_HOST"] == "http://librechat-meilisearch:7700"
    namespace = deployed.one(NAMESPACE, "ollama").inputs["metadata"]["name"]
    assert endpoint(deployed)["baseURL"] == f"http://ollama.{namespace}.svc:11434/v1"


def test_the_addresses_of_the_parts_are_those_that_the_charts_make(single: Deployment) -> None:
    # Services are called after fullnameOverride: <name>, <name>-mongodb, <name>-meilisearch.
    assert single.values("librechat")["fullnameOverride"] == "librechat"
    assert single.values("ollama")["fullnameOverride"] == "ollama"
    assert single.values("ollama")["service"]["port"] == single.values("ollama")["ollama"]["port"] == 11434
    assert "@librechat-mongodb:27017/" in single.secret_data("librechat-credentials")["MONGO_URI"]


def test_no_public_default_key_of_the_chart_can_be_used(deployed: Deployment) -> None:
    for name in ("JWT_SECRET", "JWT_REFRESH_SECRET", "CREDS_KEY", "CREDS_IV"):
        assert environment(deployed)[name] == ""


def test_database_and_search_ask_for_authentication_with_secrets_of_their_own(single: Deployment) -> None:
    values = single.values("librechat")
    assert values["mongodb"]["auth"] == {
        "enabled": True,
        "existingSecret": "librechat-mongodb-credentials",
        "usernames": ["librechat"],
        "databases": ["LibreChat"],
    }
    assert set(single.secret_data(values["mongodb"]["auth"]["existingSecret"])) == {
        "mongodb-root-password", "mongodb-passwords",
    }  # fmt: skip
    assert set(single.secret_data(values["meilisearch"]["auth"]["existingMasterKeySecret"])) == {"MEILI_MASTER_KEY"}
    assert values["meilisearch"]["environment"]["MEILI_ENV"] == "production"
    assert environment(single)["SEARCH"] == "true"


def test_every_value_of_the_environment_is_text(deployed: Deployment) -> None:
    # The chart renders them as they stand into a ConfigMap, which takes nothing else.
    assert {type(value) for value in environment(deployed).values()} == {str}


def test_title_and_registration_come_from_the_stack() -> None:
    changes = {"librechat": {"title": "Chat: ä & 'b'", "registration": True}}
    found = environment(deploy("prod", changes))
    assert (found["APP_TITLE"], found["ALLOW_REGISTRATION"]) == ("Chat: ä & 'b'", "true")
    assert environment(deploy("prod", {"librechat": {"registration": ABSENT}}))["ALLOW_REGISTRATION"] == "false"


def test_extra_environment_is_added_and_wins_over_ours() -> None:
    found = environment(deploy("prod", {"librechat": {"env": {"DEBUG_LOGGING": "true", "SEARCH": "false"}}}))
    assert (found["DEBUG_LOGGING"], found["SEARCH"]) == ("true", "false")


def test_on_localhost_there_is_no_ingress(dev: Deployment) -> None:
    assert dev.values("librechat")["ingress"] == {"enabled": False}


@pytest.mark.parametrize(
    ("stack", "changes", "url", "cookies"),
    [
        ("dev", {}, "http://localhost:3080", None),
        ("prod", {}, "https://chat.example.com", None),
        ("prod", HTTP, "http://chat.example.com", "false"),
    ],
)
def test_cookies_are_secure_unless_that_would_log_users_out(
    stack: str, changes: Changes, url: str, cookies: str | None
) -> None:
    found = environment(deploy(stack, changes))
    assert found["DOMAIN_SERVER"] == found["DOMAIN_CLIENT"] == url
    assert found.get("SESSION_COOKIE_SECURE") == cookies


@pytest.mark.parametrize("default", ["a:1b", "b:2b", "c:3b"])
def test_librechat_offers_exactly_the_pulled_models_the_default_first(default: str) -> None:
    changes = {"ollama": {"models": ["a:1b", "b:2b", "c:3b"]}, "librechat": {"defaultModel": default}}
    deployment = deploy("dev", changes)
    models = endpoint(deployment)["models"]
    others = [model for model in ("a:1b", "b:2b", "c:3b") if model != default]
    assert models == {"default": [default, *others], "fetch": False}
    assert endpoint(deployment)["titleModel"] == default
    assert sorted(models["default"]) == sorted(deployment.values("ollama")["ollama"]["models"]["pull"])


def test_librechat_yaml_has_what_the_server_does_not_start_without(deployed: Deployment) -> None:
    assert config(deployed)["version"] == "1.3.13"
    assert isinstance(config(deployed)["version"], str)
    assert endpoint(deployed)["apiKey"]
    assert endpoint(deployed)["baseURL"]
    assert endpoint(deployed)["models"]["default"]
    assert "custom" in environment(deployed)["ENDPOINTS"].split(",")


def test_other_endpoints_and_settings_of_librechat_yaml_stay(project: Path) -> None:
    others = [{"name": "Mistral", "apiKey": "${MISTRAL_KEY}", "baseURL": "https://api.mistral.ai/v1",
               "models": {"default": ["mistral-large"]}}, {"name": "Groq", "apiKey": "user_provided",
               "baseURL": "https://api.groq.com/openai/v1/", "models": {"default": ["llama3-70b"]}}]  # fmt: skip
    ours = {"name": "Ollama", "apiKey": "ollama", "iconURL": "https://example.com/icon.png",
            "models": {"default": ["not-pulled:7b"], "fetch": True}}  # fmt: skip
    document = {
        "version": "1.3.13",
        "interface": {"customWelcome": "Hello"},
        "endpoints": {"agents": {"recursionLimit": 50}, "custom": [others[0], ours, others[1]]},
    }
    write_app_file(project, yaml.safe_dump(document))
    deployment = deploy("prod", directory=project)
    found = config(deployment)
    assert found["interface"] == {"customWelcome": "Hello"}
    assert found["endpoints"]["agents"] == {"recursionLimit": 50}
    assert [item["name"] for item in found["endpoints"]["custom"]] == ["Mistral", "Ollama", "Groq"]
    assert [item for item in found["endpoints"]["custom"] if item["name"] != "Ollama"] == others
    assert endpoint(deployment)["iconURL"] == "https://example.com/icon.png"
    assert endpoint(deployment)["models"]["fetch"] is False
    assert "not-pulled:7b" not in endpoint(deployment)["models"]["default"]


def test_an_overlay_of_librechat_yaml_counts_in_its_stack_alone(project: Path) -> None:
    write_app_file(project, "interface: {customWelcome: Hello prod}\n", "librechat.prod.yaml")
    assert config(deploy("prod", directory=project))["interface"] == {"customWelcome": "Hello prod"}
    assert "interface" not in config(deploy("dev", directory=project))


@pytest.mark.parametrize(
    "text",
    [
        "version: '1.3.13'\n",
        "version: '1.3.13'\nendpoints:\n",
        "version: '1.3.13'\nendpoints:\n  custom:\n",
        "version: '1.3.13'\nendpoints:\n  custom: []\n",
    ],
)
def test_a_librechat_yaml_that_says_nothing_of_ollama_gets_an_endpoint_that_the_server_starts_with(
    project: Path, text: str
) -> None:
    write_app_file(project, text)
    found = endpoint(deploy("dev", directory=project))
    assert found["models"]["default"] == ["llama3.2:1b"]
    assert found["baseURL"] == "http://ollama.ollama.svc:11434/v1"
    assert found["apiKey"], "LibreChat exits without one"
