"""One Ollama for many LibreChats: a stack of its own, and the stacks of teams that use its models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes.client import CoreV1Api

from local.cluster import LocalCluster
from tests.engine.commands import run_ops
from tests.engine.kube import stored
from tests.engine.stacks import Stack
from tests.engine.teams import LIBRECHAT, OLLAMA, stacks_of

MODELS = "organization/private-chatgpt/models"
SHARED = {"sharedOllama": {"stack": MODELS}}


@pytest.fixture(scope="module")
def declared(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stack]]:
    """The stacks, none of them deployed."""
    files: dict[str, Any] = {
        "models": {"team": "models", "ollama": {**OLLAMA, "clients": ["cyan-librechat"]}},
        "cyan": {"team": "cyan", **SHARED, "librechat": LIBRECHAT},
        "pink": {"team": "pink", **SHARED, "librechat": LIBRECHAT},
        "lost": {
            "team": "lost",
            "sharedOllama": {"stack": "organization/private-chatgpt/nobody"},
            "librechat": LIBRECHAT,
        },
    }
    with stacks_of(cluster, tmp_path_factory.mktemp("shared"), files) as stacks:
        yield stacks


@pytest.fixture(scope="module")
def shared(declared: dict[str, Stack]) -> dict[str, Stack]:
    """The stacks after `up` of models, and of cyan, which it lets in."""
    before = declared["cyan"].fail("preview")
    assert f'sharedOllama.stack found "{MODELS}", which has no Ollama of its own' in before
    for name in ("models", "cyan"):
        declared[name].up()
    return declared


def chat_models(stack: Stack, namespace: str) -> list[str]:
    """The models that the deployed LibreChat offers."""
    found: Any = CoreV1Api(stack.api).read_namespaced_config_map("librechat-config", namespace)
    (text,) = [text for name, text in found.data.items() if name.endswith(".yaml")]
    (endpoint,) = [item for item in yaml.safe_load(text)["endpoints"]["custom"] if item["name"] == "Ollama"]
    assert endpoint["baseURL"] == "http://ollama.models-ollama.svc:11434/v1"
    return list(endpoint["models"]["default"])


def test_a_team_chats_with_the_models_of_the_shared_ollama(shared: dict[str, Stack]) -> None:
    assert shared["models"].output("namespaces") == {"ollama": "models-ollama"}
    assert shared["cyan"].output("namespaces") == {"librechat": "cyan-librechat"}
    assert shared["cyan"].output("models") == OLLAMA["models"] == chat_models(shared["cyan"], "cyan-librechat")
    assert not [key for key in stored(shared["cyan"].cluster) if "/cyan-ollama" in key]


def test_nothing_waits_after_up(shared: dict[str, Stack]) -> None:
    for name in ("models", "cyan"):
        shared[name].run("preview", "--expect-no-changes")


def test_a_model_that_the_shared_ollama_lacks_is_an_error_in_the_preview(shared: dict[str, Stack]) -> None:
    cyan = shared["cyan"]
    with cyan.changed({"librechat.defaultModel": "mistral-nemo:12b"}):
        said = cyan.fail("preview")
    assert (
        'librechat.defaultModel found "mistral-nemo:12b", which the shared Ollama does not have; allowed: '
        f"llama3.2:1b, qwen2.5:0.5b. Choose one, or add it to ollama.models of the stack {MODELS}" in said
    )
    assert "Traceback" not in said
    assert "HelmApp" not in said, "nothing of the stack was looked at"


def test_a_namespace_that_is_not_let_in_is_an_error_in_the_preview(shared: dict[str, Stack]) -> None:
    said = shared["pink"].fail("preview")
    assert "whose Ollama lets in these namespaces and not pink-librechat: cyan-librechat" in said
    assert "Traceback" not in said


def test_a_stack_that_is_not_there_is_an_error_in_the_preview(shared: dict[str, Stack]) -> None:
    said = shared["lost"].fail("preview")
    assert 'unknown stack "organization/private-chatgpt/nobody"' in said
    assert "Traceback" not in said


def test_a_model_that_the_shared_ollama_gets_is_in_the_team_s_next_preview(shared: dict[str, Stack]) -> None:
    models, cyan = shared["models"], shared["cyan"]
    models.change({"ollama.models": [*OLLAMA["models"], "mistral-nemo:12b"]})
    read = f"read pulumi:pulumi:StackReference {MODELS}"
    assert cyan.changes().keys() == {read}
    models.up()
    assert cyan.changes().keys() == {read, "update kubernetes:helm.sh/v3:Release librechat"}
    cyan.up()
    assert chat_models(cyan, "cyan-librechat") == [*OLLAMA["models"], "mistral-nemo:12b"]


COMMANDS = ("preflight", "why", "status", "drift", "history", "recover", "down", "heal")


@pytest.mark.parametrize("name", ["models", "cyan"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works_with_a_stack_of_one_app(shared: dict[str, Stack], name: str, command: str) -> None:
    stack, app = shared[name], "ollama" if name == "models" else "librechat"
    options = {"recover": ["--check"], "heal": ["--dry-run"]}.get(command, [])
    answer = run_ops(stack, command, "--json", *options)
    assert "Traceback" not in answer.err
    told = json.loads(answer.out)
    if command in ("why", "status", "drift", "heal"):
        assert [item["release"] for item in told["releases"]] == [app]
    elif command == "history":
        assert list(told["releases"]) == [app]
    elif command == "down":
        assert told["namespaces"] == [f"{name}-{app}"]
    elif command == "preflight":
        assert {item["release"] for item in told["findings"] if item["release"]} == {app}
    else:
        assert told["found"] == []


def test_upgrade_check_of_an_app_that_the_stack_lacks_says_which_it_has(shared: dict[str, Stack]) -> None:
    answer = run_ops(shared["cyan"], "upgrade-check", "ollama", "1.77.0")
    assert answer.err.strip() == "Could not tell: the stack cyan has no release ollama; it has librechat"
    assert run_ops(shared["cyan"], "upgrade-check", "librechat", "2.0.7").code == 0


def test_rotate_of_a_stack_without_keys_says_so(shared: dict[str, Stack]) -> None:
    answer = run_ops(shared["models"], "rotate", "JWT_SECRET")
    assert answer.code == 1
    assert answer.err.strip() == (
        "JWT_SECRET is not replaced: stack models has no librechat, and so no keys. Nothing was changed."
    )


def test_make_check_holds_the_files_of_both_against_each_other(shared: dict[str, Stack]) -> None:
    answer = run_ops(shared["pink"], "check", "--json", named=False)
    found = {(item["file"], item["text"].partition(" found")[0]) for item in json.loads(answer.out)["findings"]}
    assert ("Pulumi.pink.yaml", "sharedOllama.stack") in found
    assert not [file for file, _ in found if "models" in file or "cyan" in file]
