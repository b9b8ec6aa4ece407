"""A changed Secret rolls the pods that read it, and only those."""

import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from tests.engine.kube import is_ready, list_pods
from tests.engine.stacks import Stack

APP, MONGODB, MEILISEARCH = (
    "librechat-credentials",
    "librechat-mongodb-credentials",
    "librechat-meilisearch-credentials",
)


@dataclass(frozen=True)
class Snapshot:
    """Pods by app, and what each Secret holds."""

    pods: dict[str, Any]
    secrets: dict[str, dict[str, str]]


@pytest.mark.parametrize(
    ("setting", "changed", "rolled"),
    [
        pytest.param("librechat.secretEnv.OPENAI_API_KEY", {APP}, {"librechat"}, id="extra environment"),
        pytest.param("librechat.keys.MONGODB_ROOT_PASSWORD", {MONGODB}, {"mongodb"}, id="root password"),
        pytest.param("librechat.keys.MONGODB_PASSWORD", {APP, MONGODB}, {"librechat", "mongodb"}, id="password"),
        pytest.param(
            "librechat.keys.MEILI_MASTER_KEY", {APP, MEILISEARCH}, {"librechat", "meilisearch"}, id="master key"
        ),
    ],
)
def test_a_changed_secret_rolls_its_readers_and_nobody_else(
    workbench: Stack, setting: str, changed: set[str], rolled: set[str]
) -> None:
    before = snapshot(workbench)
    workbench.change_secret(setting, f"of-today-{secrets.token_hex(12)}")
    workbench.up()
    after = snapshot(workbench)

    assert {name for name in after.secrets if after.secrets[name] != before.secrets[name]} == changed
    assert {app for app, pod in after.pods.items() if secrets_of(pod) & changed} == rolled
    assert {app for app, pod in after.pods.items() if pod.metadata.uid != before.pods[app].metadata.uid} == rolled


def test_a_setting_that_is_no_secret_rolls_the_chat_alone(workbench: Stack) -> None:
    before = snapshot(workbench)
    workbench.change({"librechat.title": f"The chat {secrets.token_hex(4)}"})
    workbench.up()
    after = snapshot(workbench)
    assert after.secrets == before.secrets
    moved = {app for app, pod in after.pods.items() if pod.metadata.uid != before.pods[app].metadata.uid}
    assert moved == {"librechat"}


def snapshot(stack: Stack) -> Snapshot:
    pods = [*list_pods(stack.api, stack.ollama), *list_pods(stack.api, stack.librechat)]
    assert all(is_ready(pod) and pod.metadata.deletion_timestamp is None for pod in pods)
    by_app = {pod.metadata.labels["app.kubernetes.io/name"]: pod for pod in pods}
    assert sorted(by_app) == ["librechat", "meilisearch", "mongodb", "ollama"] and len(pods) == len(by_app)
    held: list[Any] = CoreV1Api(stack.api).list_namespaced_secret(stack.librechat).items
    return Snapshot(by_app, {item.metadata.name: item.data for item in held if item.type == "Opaque"})


def secrets_of(pod: Any) -> set[str]:
    """Names of the Secrets that a pod reads, as environment or as files."""
    environment = [source.secret_ref for found in pod.spec.containers for source in found.env_from or []]
    files = [volume.secret for volume in pod.spec.volumes]
    return {item.name for item in environment if item} | {item.secret_name for item in files if item}
