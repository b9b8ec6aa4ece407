"""What the pods of LibreChat find when they start: environment and files, put together as a kubelet would."""

import re
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from kubernetes.client import AppsV1Api, CoreV1Api, DiscoveryV1Api

from tests.engine.kube import eventually
from tests.engine.pods import Pod
from tests.engine.stacks import Stack

SEVEN = {
    "JWT_SECRET": r"[0-9a-f]{64}",
    "JWT_REFRESH_SECRET": r"[0-9a-f]{64}",
    "CREDS_KEY": r"[0-9a-fA-F]{64}",
    "CREDS_IV": r"[0-9a-f]{32}",
    "MONGO_URI": r"mongodb://librechat:[A-Za-z0-9%._~-]+@[a-z-]+:27017/LibreChat",
    "MEILI_HOST": r"http://[a-z-]+:7700",
    "Ollama's base URL": r"http://[a-z.-]+:11434/v1",
}
"""What LibreChat needs to talk to its parts; all but the last one come from the environment."""


@pytest.fixture
def chat(stack: Stack) -> Pod:
    return Pod(stack, AppsV1Api(stack.api).read_namespaced_deployment("librechat", stack.librechat))


@pytest.fixture
def mongodb(stack: Stack) -> Pod:
    return Pod(stack, AppsV1Api(stack.api).read_namespaced_stateful_set("librechat-mongodb", stack.librechat))


@pytest.fixture
def meilisearch(stack: Stack) -> Pod:
    return Pod(stack, AppsV1Api(stack.api).read_namespaced_stateful_set("librechat-meilisearch", stack.librechat))


def endpoint(chat: Pod) -> dict[str, Any]:
    """Ollama's endpoint in the librechat.yaml that the chat finds."""
    custom: list[dict[str, Any]] = yaml.safe_load(chat.file("/app/librechat.yaml"))["endpoints"]["custom"]
    (found,) = [item for item in custom if item["name"] == "Ollama"]
    return found


def test_all_seven_values_reach_the_chat_in_the_format_that_it_wants(chat: Pod) -> None:
    environment = chat.environment() | {"Ollama's base URL": endpoint(chat)["baseURL"]}
    assert [name for name in SEVEN if not re.fullmatch(SEVEN[name], environment.get(name, ""))] == []
    assert environment["JWT_SECRET"] != environment["JWT_REFRESH_SECRET"]


def test_the_database_lets_in_whom_the_chat_says_it_is(chat: Pod, mongodb: Pod) -> None:
    address = urlsplit(chat.environment()["MONGO_URI"])
    settings = mongodb.environment()
    assert settings["ALLOW_EMPTY_PASSWORD"] == "no"
    assert unquote(address.password or "") == mongodb.file(settings["MONGODB_EXTRA_PASSWORDS_FILE"])
    assert address.username == settings["MONGODB_EXTRA_USERNAMES"]
    assert address.path == f"/{settings['MONGODB_EXTRA_DATABASES']}"
    root = mongodb.file(settings["MONGODB_ROOT_PASSWORD_FILE"])
    assert len(root) == 32 and root != unquote(address.password or "")


def test_the_search_engine_asks_for_the_key_that_the_chat_has(chat: Pod, meilisearch: Pod) -> None:
    asked = meilisearch.environment()
    assert asked["MEILI_ENV"] == "production"
    assert len(asked["MEILI_MASTER_KEY"]) >= 16
    assert chat.environment()["MEILI_MASTER_KEY"] == asked["MEILI_MASTER_KEY"]
    assert chat.environment()["SEARCH"] == "true"


def test_each_pod_gets_its_own_keys_and_no_others(stack: Stack, mongodb: Pod, meilisearch: Pod) -> None:
    assert [name for name in meilisearch.environment() if not name.startswith("MEILI_")] == []
    assert [name for name in mongodb.environment() if "JWT" in name or "CREDS" in name or "MEILI" in name] == []
    held: Any = CoreV1Api(stack.api).read_namespaced_secret("librechat-mongodb-credentials", stack.librechat)
    assert set(held.data) == {"mongodb-root-password", "mongodb-passwords"}


def test_every_address_leads_to_a_service_with_a_ready_pod_behind_it(stack: Stack, chat: Pod) -> None:
    environment = chat.environment()
    for address, namespace in (
        (environment["MONGO_URI"], stack.librechat),
        (environment["MEILI_HOST"], stack.librechat),
        (endpoint(chat)["baseURL"], stack.ollama),
    ):
        service, *domain = (urlsplit(address).hostname or "").split(".")
        # A pod looks a bare name up in its own namespace.
        assert domain in ([namespace, "svc"], [] if namespace == stack.librechat else None)
        assert eventually(partial(ready_ports, stack, namespace, service)) == {urlsplit(address).port}


def test_the_chat_offers_exactly_the_models_that_are_pulled(stack: Stack, chat: Pod) -> None:
    offered = endpoint(chat)["models"]["default"]
    assert sorted(offered) == sorted(stack.output("models"))
    settings = yaml.safe_load(stack.config.read_text())["config"]["private-chatgpt:librechat"]
    assert offered[0] == settings["defaultModel"]
    assert chat.environment()["APP_TITLE"] == settings["title"]


def test_a_secret_that_is_brought_along_reaches_the_chat(prod: Stack) -> None:
    chat = Pod(prod, AppsV1Api(prod.api).read_namespaced_deployment("librechat", prod.librechat))
    assert chat.environment()["OPENAI_API_KEY"].startswith("sk-")
    assert chat.environment()["CREDS_KEY"].isupper()
    assert unquote(urlsplit(chat.environment()["MONGO_URI"]).password or "").startswith("p@ss:w/rd?#[%2F]&")


def ready_ports(stack: Stack, namespace: str, service: str) -> set[int]:
    """The ports of a Service that have ready pods behind them."""
    found: Any = CoreV1Api(stack.api).read_namespaced_service(service, namespace)
    slices: list[Any] = (
        DiscoveryV1Api(stack.api)
        .list_namespaced_endpoint_slice(namespace, label_selector=f"kubernetes.io/service-name={service}")
        .items
    )
    served = {
        port.name
        for part in slices
        for port in part.ports or []
        if any(item.addresses and item.conditions.ready for item in part.endpoints or [])
    }
    return {port.port for port in found.spec.ports if port.name in served}
