"""A stack whose database, search engine and keys are brought along, in Secrets that somebody else makes.

The test stands in for External Secrets and the like. The simulated kubelet starts containers without looking at their
environment, so what a container would find is put together here (tests/engine/pods.py).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api, NetworkingV1Api

from components.formats import HEX_KEY_LENGTHS
from local.cluster import LocalCluster
from tests.engine.kube import at_rest, eventually, stored_in
from tests.engine.leaks import files, helm_records, leaks, printed
from tests.engine.pods import Pod
from tests.engine.stacks import INGRESS, Stack, beside, stack_on

KEYS = {"CREDS_IV": "iv"}
"""What the Secret calls one of LibreChat's keys."""
PLACE = [{"namespace": "databases"}]
BROUGHT: dict[str, Any] = {
    **INGRESS,
    "librechat.host": "chat.example.com",
    "librechat.certClusterIssuer": "letsencrypt",
    "librechat.storage": {"images": "1Gi"},
    "librechat.credentials": {"secret": "chat-keys", "secretKeys": KEYS},
    "librechat.mongodb": {"secret": "mongo", "secretKey": "uri", "at": PLACE},
    "librechat.meilisearch": {"host": "http://meili.databases.svc:7700", "secret": "search", "at": PLACE},
    "preflight": {"waitForSecrets": 2},
}
NO_WAIT = {"waitForSecrets": 0}
DATA = {
    "chat-keys": {
        **{KEYS.get(name, name): secrets.token_hex(length // 2) for name, length in HEX_KEY_LENGTHS.items()},
        "OPENAI_API_KEY": f"sk-{secrets.token_hex(16)}",
    },
    "mongo": {"uri": f"mongodb+srv://chat:{secrets.token_hex(16)}@cluster0.example.net/LibreChat"},
    "search": {"MEILI_MASTER_KEY": secrets.token_hex(16)},
}
VALUES = {f"{name}/{key}": text for name, data in DATA.items() for key, text in data.items()}


@pytest.fixture(scope="module")
def brought(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is not deployed yet. The tests below are steps of one story, in their order."""
    settings = {**beside("brought"), **BROUGHT}
    with stack_on(cluster, tmp_path_factory.mktemp("brought"), settings=settings) as stack:
        yield stack
        stack.run("destroy", "--yes", "--skip-preview", check=False)


def put(stack: Stack, name: str, data: dict[str, str]) -> None:
    """What External Secrets would do: make the Secret, or replace what it holds."""
    core, body = CoreV1Api(stack.api), {"metadata": {"name": name}, "stringData": data}
    try:
        core.delete_namespaced_secret(name, stack.librechat)
    except ApiException as error:
        if error.status != 404:
            raise
    created: Any = body
    core.create_namespaced_secret(stack.librechat, created)


def without(name: str, key: str) -> dict[str, str]:
    """What a Secret should hold, but for one key."""
    return {other: text for other, text in DATA[name].items() if other != key}


def helm_has_nothing(stack: Stack) -> bool:
    """Whether helm never began with LibreChat."""
    return not [place for place in helm_records(stack) if place.startswith(f"{stack.librechat}/")]


def chat_of(stack: Stack) -> Pod:
    """LibreChat's pod."""
    return Pod(stack, AppsV1Api(stack.api).read_namespaced_deployment("librechat", stack.librechat))


def test_a_first_up_waits_and_says_which_secrets_to_make_where_and_has_lost_nothing(brought: Stack) -> None:
    said = brought.fail("up", "--yes", "--skip-preview")
    waits = "Waits up to 2 s for Secrets that others make in namespace brought-librechat: chat-keys, mongo, search"
    assert waits in said
    for name, setting in (("chat-keys", "credentials"), ("mongo", "mongodb"), ("search", "meilisearch")):
        assert f"secrets (librechat): Secret {name} (librechat.{setting}.secret) is not there" in said
    assert "Secret chat-keys in namespace brought-librechat with CREDS_KEY, JWT_REFRESH_SECRET, JWT_SECRET, iv" in said
    assert "then run pulumi up again" in said
    assert CoreV1Api(brought.api).read_namespace(brought.librechat), "where the Secrets can be made now"
    assert helm_has_nothing(brought)
    assert [place for place in helm_records(brought) if place.startswith(f"{brought.ollama}/")], "Ollama is there"


def test_a_secret_without_the_key_or_with_one_of_another_format_is_refused_before_helm(brought: Stack) -> None:
    put(brought, "search", {})
    put(brought, "mongo", {"MONGO_URI": DATA["mongo"]["uri"]})
    put(brought, "chat-keys", {**without("chat-keys", "JWT_SECRET"), "CREDS_KEY": DATA["chat-keys"]["CREDS_KEY"][:60]})
    said = brought.fail("up", "--yes", "--skip-preview")
    for words in (
        "Secret search (librechat.meilisearch.secret) lacks MEILI_MASTER_KEY; it has none",
        "Secret mongo (librechat.mongodb.secret) lacks uri; it has MONGO_URI",
        "Secret chat-keys (librechat.credentials.secret) lacks JWT_SECRET; it has CREDS_KEY, JWT_REFRESH_SECRET, ",
        "Secret chat-keys: the key CREDS_KEY is not 64 hex characters, as LibreChat's CREDS_KEY has to be",
    ):
        assert words in said
    assert "Waits up to" not in said, "they are there, and will not mend themselves"
    assert helm_has_nothing(brought)


def test_with_the_secrets_complete_up_goes_on_from_there(brought: Stack) -> None:
    for name in DATA:
        put(brought, name, DATA[name])
    brought.up()
    assert brought.output("releaseStatus") == {"ollama": "deployed", "librechat": "deployed"}
    assert brought.changes() == {}


def test_the_chat_finds_what_the_secrets_hold(brought: Stack) -> None:
    environment = chat_of(brought).environment()
    held = {("CREDS_IV" if key == "iv" else key): text for key, text in DATA["chat-keys"].items()}
    assert {name: environment[name] for name in held} == held
    assert environment["MONGO_URI"] == DATA["mongo"]["uri"]
    assert environment["MEILI_MASTER_KEY"] == DATA["search"]["MEILI_MASTER_KEY"]
    assert environment["MEILI_HOST"] == "http://meili.databases.svc:7700"


def test_nothing_is_made_or_generated_for_what_is_brought_along(brought: Stack) -> None:
    core = CoreV1Api(brought.api)
    sets: Any = AppsV1Api(brought.api).list_namespaced_stateful_set(brought.librechat)
    claims: Any = core.list_namespaced_persistent_volume_claim(brought.librechat)
    policies: Any = NetworkingV1Api(brought.api).list_namespaced_network_policy(brought.librechat)
    quota: Any = core.read_namespaced_resource_quota("librechat", brought.librechat)
    assert sets.items == []
    assert [claim.metadata.name for claim in claims.items] == ["librechat-images"]
    assert {policy.metadata.name for policy in policies.items} == {"default-deny", "allow-librechat", "allow-acme"}
    assert quota.spec.hard["persistentvolumeclaims"] == "1" and quota.spec.hard["requests.storage"] == "1Gi"
    generated = [item["urn"].rpartition("::")[2] for item in brought.resources() if "RandomPassword" in item["type"]]
    assert generated == ["librechat-annotation-salt"]


def test_the_annotation_for_cert_manager_and_what_controllers_are_told_reach_the_ingress(brought: Stack) -> None:
    found: Any = NetworkingV1Api(brought.api).read_namespaced_ingress("librechat", brought.librechat)
    assert found.metadata.annotations["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert found.metadata.annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "100m"
    assert (found.spec.tls[0].secret_name, found.spec.tls[0].hosts) == ("librechat-tls", ["chat.example.com"])
    assert found.spec.ingress_class_name == "nginx"
    assert brought.output("url") == "https://chat.example.com"


def test_a_secret_that_loses_a_key_stops_a_change_and_nothing_is_half_applied(brought: Stack) -> None:
    generation = chat_of(brought).generation
    put(brought, "chat-keys", without("chat-keys", "JWT_SECRET"))
    with brought.changed({"librechat.title": "Another"}):
        assert "lacks JWT_SECRET" in brought.fail("up", "--yes", "--skip-preview")
        assert chat_of(brought).generation == generation
        put(brought, "chat-keys", DATA["chat-keys"])
        brought.up()
    assert chat_of(brought).generation == generation + 1


def test_no_value_of_others_secrets_is_printed_or_kept(brought: Stack) -> None:
    brought.run("preview", "--diff")
    assert leaks(VALUES, printed(brought.printed)) == []
    assert leaks(VALUES, files(brought)) == []
    assert leaks(VALUES, helm_records(brought)) == []


@pytest.mark.alone
def test_a_secret_that_comes_while_up_waits_is_enough(cluster: LocalCluster, tmp_path: Path) -> None:
    settings = {
        **beside("comes"),
        **BROUGHT,
        "librechat.host": "comes.example.com",
        "preflight": {"waitForSecrets": 60},
    }
    with stack_on(cluster, tmp_path, settings=settings) as stack:
        came: list[float] = []

        def bring() -> None:
            def waits() -> bool:
                try:
                    CoreV1Api(stack.api).read_namespaced_service_account("default", stack.librechat)
                except ApiException:
                    return False
                return True

            eventually(waits, 90)
            time.sleep(8)  # Until what comes before the release is made.
            for name in DATA:
                put(stack, name, DATA[name])
            came.append(time.monotonic())

        other = threading.Thread(target=bring)
        other.start()
        stack.up()
        other.join()
        assert came and time.monotonic() - came[0] < 45, "it does not wait on when they are there"
        assert "Waits up to 60 s for Secrets" in stack.printed[-1]
        stack.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def moving(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for which everything is generated. No test changes what is deployed."""
    settings = {**beside("moving"), "protect": True}
    with stack_on(cluster, tmp_path_factory.mktemp("moving"), settings=settings) as stack:
        stack.up()
        yield stack
        for namespace in (stack.ollama, stack.librechat):
            CoreV1Api(stack.api).delete_namespace(namespace)


def test_on_the_way_to_a_secret_that_is_not_there_nothing_of_what_runs_changes(moving: Stack) -> None:
    at_rest(moving.cluster)
    before = stored_in(moving.cluster, moving.librechat)
    there = {"mongodb": BROUGHT["librechat.mongodb"], "storage": {}}
    with moving.changed({f"librechat.{key}": value for key, value in there.items()} | {"preflight": NO_WAIT}):
        # Without a preview: that would stop it already, since passwords are protected.
        said = moving.fail("up", "--yes", "--skip-preview")
    assert "secrets (librechat): Secret mongo (librechat.mongodb.secret) is not there" in said
    assert stored_in(moving.cluster, moving.librechat) == before, "Secrets, policies and quota are what they were"
    assert moving.changes() == {}


def test_generated_keys_that_protect_data_are_not_dropped_by_a_change_of_settings(moving: Stack) -> None:
    for name in DATA:
        put(moving, name, DATA[name])
    before = {item["urn"] for item in moving.resources()}
    generation = chat_of(moving).generation
    with moving.changed({"librechat.credentials": BROUGHT["librechat.credentials"]}):
        said = moving.fail("up", "--yes")
    assert "librechat-creds-key" in said and "because it is protected" in said
    assert {item["urn"] for item in moving.resources()} == before
    assert chat_of(moving).generation == generation, "the preview stops it, before anything is changed"
