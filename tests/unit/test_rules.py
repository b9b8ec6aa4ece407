"""What would kill LibreChat, or break it in silence, is reported with its place, what is allowed and what to do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.charts import LIBRECHAT, ChartSource
from components.contracts import DIRECTORY
from components.librechat import librechat_config, librechat_values, secret_names
from components.loading import PROJECT_DIR, Settings
from components.platform import Platform
from components.releases import final_values
from components.rules import CONFIG_VERSIONS, Chat, known_keys, librechat_faults
from components.served import Served
from components.settings import LibreChatSettings, PreflightSettings
from components.values import read_layers
from tests.unit.timing import TURNS, processor_seconds

APP_SCHEMA = PROJECT_DIR / "ops" / "app_schema"
MODELS = ("small:1b", "large:70b")
URL = "http://ollama.ollama.svc:11434"
SERVED = Served(URL, MODELS, "ollama", "ollama", "ollama.models", own=True)
OURS = {"name": "Ollama", "apiKey": "ollama"}
"""The endpoint that the program completes."""
REST = yaml.safe_dump({"endpoints": {"custom": [OURS]}})
GOOD = f'version: "1.3.13"\n{REST}'
ENDPOINT = {"name": "Mine", "apiKey": "k", "baseURL": "https://api.example.com/v1", "models": {"default": ["a"]}}


def chat(
    tmp_path: Path,
    app_file: str = GOOD,
    values: str = "",
    override: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Chat:
    """LibreChat as a stack with these files and settings deploys it; at https://chat.example.com unless they say no."""
    (tmp_path / "values" / "app").mkdir(parents=True)
    (tmp_path / "values" / "app" / "librechat.yaml").write_text(app_file)
    (tmp_path / "values" / "librechat.yaml").write_text(values)
    stack_file = {"config": {"p:librechat": {"host": "chat.example.com", "values": dict(override or {})}}}
    (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump(stack_file))
    keys = {"host": "chat.example.com", "tlsSecret": "tls", "allowPlainHttp": True, "defaultModel": "small:1b"}
    keys |= settings
    librechat = LibreChatSettings.model_validate_json(json.dumps(keys | {"values": override or {}}))
    files, _ = read_layers(tmp_path / "values", "test")
    app_files, _ = read_layers(tmp_path / "values" / "app", "test")
    platform = Platform(
        "p",
        "test",
        "kwok-test",
        False,
        ChartSource(),
        files,
        app_files,
        {},
        PreflightSettings(),
        tmp_path,
        served=SERVED,
    )
    config = librechat_config(platform.app_file("librechat"), librechat, URL, MODELS)
    checksums = dict.fromkeys(secret_names("librechat"), "c")
    final = librechat_values("librechat", platform.values("librechat"), librechat, config, checksums)
    return Chat.of(platform, librechat, final, tmp_path)


def faults(tmp_path: Path, app_file: str = GOOD, values: str = "", **settings: Any) -> list[str]:
    """What is reported, each with its key or place in front."""
    found = librechat_faults(chat(tmp_path, app_file, values, **settings))
    return [f"{fault.key} {fault.text}" if fault.key else fault.text for fault in found]


def config(**keys: Any) -> str:
    """A librechat.yaml with these keys."""
    return yaml.safe_dump({"version": "1.3.13"} | keys, sort_keys=False)


def endpoint(**changes: Any) -> str:
    """A librechat.yaml with one complete endpoint, changed; None takes a key away."""
    changed = {key: value for key, value in (ENDPOINT | changes).items() if value is not None}
    return config(endpoints={"custom": [changed, OURS]})


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_of_the_repo_break_no_rule(stack: str) -> None:
    settings = Settings.of_stack(stack, context="kwok-test")
    assert settings.librechat
    values = final_values(settings.platform, settings.ollama, settings.librechat)["librechat"]
    deployed = Chat.of(settings.platform, settings.librechat, values, PROJECT_DIR)
    assert librechat_faults(deployed) == []
    assert deployed.custom_endpoints[0]["name"] == "Ollama"


def test_a_complete_file_of_ones_own_breaks_no_rule(tmp_path: Path) -> None:
    assert faults(tmp_path, endpoint(), "librechat:\n  configEnv:\n    DEBUG: 'true'\n") == []


@pytest.mark.parametrize(
    ("app_file", "found"),
    [
        ('cache: true\nversion: "1.3.12"\n', 'values/app/librechat.yaml:2: version found "1.3.12"'),
        ("version: 1.3\n", "values/app/librechat.yaml:1: version found 1.3"),
        ("version: 2\n", "values/app/librechat.yaml:1: version found 2"),
        ("cache: true\n", "values/app/librechat.yaml: has no version"),
    ],
)
def test_a_version_of_another_librechat_is_an_error(tmp_path: Path, app_file: str, found: str) -> None:
    [text] = faults(tmp_path, app_file + REST)
    assert text.startswith(f'{found}; allowed: "1.3.13", in quotes')
    assert "chart 2.0.7" in text


def test_of_an_unknown_chart_version_only_the_version_and_the_keys_are_not_checked(tmp_path: Path) -> None:
    app_file = yaml.safe_dump({"version": "9", "novelty": 1, "endpoints": {"custom": [{"name": "Mine"}, OURS]}})
    texts = faults(tmp_path, app_file, chart={"version": "9.9.9"})
    assert [text.split(" has no ")[1].split(";")[0] for text in texts] == ["apiKey", "baseURL", "models.default"]


@pytest.mark.parametrize(
    ("keys", "place", "cure"),
    [
        ({"modelSpec": {}}, "modelSpec", "Did you mean modelSpecs?"),
        ({"Interface": {}}, "Interface", "Did you mean interface?"),
        ({"custom": []}, "custom", "It belongs to endpoints.custom"),
        ({"langfuse": {}}, "langfuse", "Allowed there: actions, balance, cache"),
        ({"endpoints": {"costum": [], "custom": [OURS]}}, "endpoints.costum", "Did you mean custom?"),
        ({"endpoints": {"memory": {}, "custom": [OURS]}}, "endpoints.memory", "It belongs to memory"),
    ],
)
def test_a_key_on_which_librechat_exits_is_an_error_with_its_cure(
    tmp_path: Path, keys: dict[str, Any], place: str, cure: str
) -> None:
    [text] = faults(tmp_path, config(**({"endpoints": {"custom": [OURS]}} | keys)))
    assert f": {place} is no key of LibreChat's, which exits on it. {cure}" in text


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"name": None}, "name"),
        ({"apiKey": None}, "apiKey"),
        ({"apiKey": ""}, "apiKey"),
        ({"baseURL": " "}, "baseURL"),
        ({"baseURL": 8080}, "baseURL"),
        ({"models": None}, "models.default"),
        ({"models": {"fetch": True}}, "models.default"),
        ({"models": {"default": []}}, "models.default"),
        ({"models": {"default": "a"}}, "models.default"),
    ],
)
def test_an_endpoint_lacks_nothing_that_librechat_needs(tmp_path: Path, change: dict[str, Any], missing: str) -> None:
    [text] = faults(tmp_path, endpoint(**change))
    assert text.startswith("values/app/librechat.yaml:4: endpoints.custom.0 has no " + missing + "; allowed: ")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"models": {"default": ["small:1b", "huge:405b"]}}, "models.default.1"),
        ({"models": {"default": [{"name": "huge:405b", "description": "d"}]}}, "models.default.0"),
        ({"models": {"default": ["small:1b"]}, "titleModel": "huge:405b"}, "titleModel"),
    ],
)
@pytest.mark.parametrize("url", [f"{URL}/v1", "http://ollama.ollama.svc.cluster.local:11434/v1"])
def test_an_endpoint_at_this_ollama_asks_only_for_pulled_models(
    tmp_path: Path, change: dict[str, Any], key: str, url: str
) -> None:
    [text] = faults(tmp_path, endpoint(name="Ollama too", baseURL=url, **change))
    assert (
        f'endpoints.custom.0.{key} found "huge:405b", which Ollama does not pull; allowed: small:1b, large:70b' in text
    )
    assert "add it to ollama.models" in text


@pytest.mark.parametrize(
    "change",
    [
        {"baseURL": "http://ollama.elsewhere.svc:11434/v1", "models": {"default": ["huge:405b"]}},
        {"baseURL": "http://[broken", "models": {"default": ["huge:405b"]}},
        {"baseURL": URL, "models": {"default": ["large:70b"]}, "titleModel": "current_model"},
        {"baseURL": URL, "models": {"default": ["large:70b"]}, "titleModel": "gpt", "titleEndpoint": "openAI"},
    ],
)
def test_what_is_not_asked_of_this_ollama_need_not_be_pulled(tmp_path: Path, change: dict[str, Any]) -> None:
    assert faults(tmp_path, endpoint(name="Ollama too", **change)) == []


def test_what_has_a_fault_of_its_own_is_not_reported_twice(tmp_path: Path) -> None:
    assert faults(tmp_path / "a", defaultModel="huge:405b") == []
    assert faults(tmp_path / "b", "version: [\n") == []


@pytest.mark.parametrize(
    ("written", "kind"),
    [("3080", "a number"), ("yes", "true or false"), ("[a]", "no single value"), ("1.5", "a number")],
)
def test_an_environment_value_that_is_no_text_is_an_error_at_its_line(tmp_path: Path, written: str, kind: str) -> None:
    [text] = faults(tmp_path, GOOD, f"librechat:\n  configEnv:\n    OK: 'yes'\n    BAD: {written}\n")
    assert text.startswith(f"values/librechat.yaml:4: librechat.configEnv.BAD found {kind}")
    assert text.endswith("Put it in quotes")


def test_a_null_takes_a_variable_away_and_is_no_error(tmp_path: Path) -> None:
    override = {"librechat": {"configEnv": {"APP_TITLE": None}}}
    assert faults(tmp_path, override=override) == []


@pytest.mark.parametrize(
    ("override", "env", "found"),
    [
        ({"librechat": {"configEnv": {"MEILI_HOST": None}}}, {}, "Pulumi.test.yaml: librechat.values (line"),
        ({"librechat": {"configEnv": {"MEILI_HOST": ""}}}, {}, "Pulumi.test.yaml: librechat.values (line"),
        ({}, {"MEILI_HOST": ""}, "librechat.env.MEILI_HOST is empty"),
        ({"meilisearch": {"enabled": False}}, {}, "meilisearch.enabled found false"),
    ],
)
def test_search_without_a_host_is_an_error(
    tmp_path: Path, override: dict[str, Any], env: dict[str, str], found: str
) -> None:
    [text] = faults(tmp_path, override=override, env=env)
    assert found in text
    assert 'SEARCH is "true"; allowed: ' in text


@pytest.mark.parametrize(
    ("override", "env"),
    [
        ({"meilisearch": {"enabled": False}}, {"SEARCH": "false"}),
        ({"meilisearch": {"enabled": False}}, {"MEILI_HOST": "http://search.example.com:7700"}),
        ({"librechat": {"configEnv": {"SEARCH": None, "MEILI_HOST": None}}}, {}),
    ],
)
def test_search_that_is_off_or_somebody_elses_needs_no_host_of_ours(
    tmp_path: Path, override: dict[str, Any], env: dict[str, str]
) -> None:
    assert faults(tmp_path, override=override, env=env) == []


@pytest.mark.parametrize(
    ("override", "env", "found"),
    [
        ({}, {"SESSION_COOKIE_SECURE": "true"}, "librechat.env.SESSION_COOKIE_SECURE is not"),
        ({}, {"SESSION_COOKIE_SECURE": "False"}, "librechat.env.SESSION_COOKIE_SECURE is not"),
        ({"librechat": {"configEnv": {"SESSION_COOKIE_SECURE": None}}}, {}, "Pulumi.test.yaml: librechat.values (line"),
    ],
)
def test_secure_cookies_on_plain_http_are_an_error(
    tmp_path: Path, override: dict[str, Any], env: dict[str, str], found: str
) -> None:
    [text] = faults(tmp_path, override=override, env=env, tlsSecret=None)
    assert text.startswith(found)
    assert 'is not "false" while the chat is at http://chat.example.com' in text
    assert "librechat.tlsSecret" in text


@pytest.mark.parametrize(
    ("override", "settings"),
    [
        ({}, {"tlsSecret": "tls", "env": {"SESSION_COOKIE_SECURE": "true"}}),
        ({}, {"tlsSecret": None}),
        ({}, {"tlsSecret": None, "host": "localhost", "env": {"SESSION_COOKIE_SECURE": "true"}}),
        (
            {},
            {"tlsSecret": None, "env": {"DOMAIN_SERVER": "https://chat.example.com", "SESSION_COOKIE_SECURE": "true"}},
        ),
        ({"ingress": {"tls": [{"secretName": "s"}]}}, {"tlsSecret": None, "env": {"SESSION_COOKIE_SECURE": "true"}}),
        ({}, {"tlsSecret": None, "secretEnv": {"SESSION_COOKIE_SECURE": "who knows"}}),
    ],
)
def test_secure_cookies_with_tls_or_on_localhost_are_no_error(
    tmp_path: Path, override: dict[str, Any], settings: dict[str, Any]
) -> None:
    assert faults(tmp_path, override=override, **settings) == []


@pytest.mark.parametrize(
    ("override", "key", "name"),
    [
        (
            {"global": {"librechat": {"existingSecretName": "mine"}}},
            "global.librechat.existingSecretName",
            "librechat-credentials",
        ),
        ({"global": None}, "global.librechat.existingSecretName", "librechat-credentials"),
        (
            {"mongodb": {"auth": {"existingSecret": "mine"}}},
            "mongodb.auth.existingSecret",
            "librechat-mongodb-credentials",
        ),
        (
            {"meilisearch": {"auth": {"existingMasterKeySecret": None}}},
            "meilisearch.auth.existingMasterKeySecret",
            "librechat-meilisearch-credentials",
        ),
    ],
)
def test_a_secret_name_that_the_program_does_not_make_is_an_error(
    tmp_path: Path, override: dict[str, Any], key: str, name: str
) -> None:
    [text] = faults(tmp_path, override=override)
    assert f"{key} found " in text
    assert f"; allowed: {name}, the Secret that the program makes" in text


def test_a_part_that_is_off_needs_no_secret(tmp_path: Path) -> None:
    off = {"enabled": False, "auth": None}
    brought: dict[str, Any] = {"mongodb": {"secret": "mongo"}}
    assert faults(tmp_path, override={"mongodb": off, "meilisearch": off}, env={"SEARCH": "false"}, **brought) == []


def test_the_secret_name_that_no_template_reads_is_an_error(tmp_path: Path) -> None:
    [text] = faults(tmp_path, GOOD, "librechat:\n  existingSecretName: mine\n")
    assert text.startswith("values/librechat.yaml:2: librechat.existingSecretName is read by no template")


@pytest.mark.parametrize(
    ("replacement", "found"),
    [
        ("version: '1.3.12'\n", 'version found "1.3.12"'),
        ("version: 2026-11-01\n", 'version found "2026-11-01"'),
        ("", "it is no map in YAML"),
        ("a: [", "it is no map in YAML"),
        ("version: 1.3.13\nendpoints: [custom]\n", "endpoints is no map"),
        ("version: 1.3.13\nendpoints:\n  custom: Ollama\n", "endpoints.custom is no list"),
        ("version: 1.3.13\nendpoints:\n  custom: [Ollama]\n", "endpoints.custom.0 is no map"),
        (None, "it is no map in YAML"),
    ],
)
def test_a_librechat_yaml_from_the_stack_file_is_checked_and_found_there(
    tmp_path: Path, replacement: str | None, found: str
) -> None:
    [text] = faults(tmp_path, override={"librechat": {"configYamlContent": replacement}})
    assert text.startswith("Pulumi.test.yaml: librechat.values (line ")
    assert f"librechat.configYamlContent replaces librechat.yaml, and there {found}" in text


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    app_file = endpoint(apiKey=424242, name="", baseURL="")
    values = "librechat:\n  configEnv:\n    OPENAI_API_KEY: 424242\n    CREDS_KEY: [424242]\n"
    texts = faults(tmp_path, app_file, values, tlsSecret=None, secretEnv={"SEARCH": "424242", "MEILI_HOST": "424242"})
    assert len(texts) == 5
    assert "424242" not in "\n".join(texts)


def test_the_rules_cost_less_than_10_ms(tmp_path: Path) -> None:
    # New ones: each remembers what it has worked out.
    chats = iter([chat(tmp_path / str(turn), endpoint()) for turn in range(TURNS)])
    known_keys(LIBRECHAT.version)
    found: list[object] = []
    assert processor_seconds(lambda: found.extend(librechat_faults(next(chats)))) < 0.01
    assert (found, next(chats, None)) == ([], None)


def test_the_known_keys_are_those_of_librechats_own_schema() -> None:
    done = subprocess.run(["node", APP_SCHEMA / "keys.mjs"], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    file = DIRECTORY / f"librechat-config-{made['configVersion']}.json"
    assert file.read_text() == done.stdout
    assert CONFIG_VERSIONS[LIBRECHAT.version] == made["configVersion"]
    assert known_keys(LIBRECHAT.version) == made["keys"]
