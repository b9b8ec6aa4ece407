"""What is not changed stays as it is; what is changed is shown, and is all that changes."""

import pytest

from tests.engine.kube import at_rest, stored_in
from tests.engine.stacks import Stack

OLLAMA_RELEASE = "update kubernetes:helm.sh/v3:Release ollama"
LIBRECHAT_RELEASE = "update kubernetes:helm.sh/v3:Release librechat"


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    at_rest(stack.cluster)
    before = objects(stack), resources(stack)
    assert len([key for key in before[0] if "/sh.helm.release." in key]) == len(["ollama", "librechat"])
    assert len(before[1]) >= len(["Namespace", "Secret", "Release", "RandomPassword"])
    stack.up("--expect-no-changes")
    assert (objects(stack), resources(stack)) == before


def test_a_preview_of_what_is_deployed_expects_no_changes(stack: Stack) -> None:
    assert stack.run("preview", "--expect-no-changes", check=False).returncode == 0


def test_a_preview_of_a_change_does_not_pass_for_none(dev: Stack) -> None:
    with dev.changed({"librechat.title": "Another"}):
        assert "no changes were expected" in dev.fail("preview", "--expect-no-changes")


@pytest.mark.parametrize(
    ("setting", "value", "release", "key"),
    [
        pytest.param(
            "librechat.title", "Another", LIBRECHAT_RELEASE, "values.librechat.configEnv.APP_TITLE", id="LibreChat"
        ),
        pytest.param("ollama.nodeSelector.disk", "ssd", OLLAMA_RELEASE, "values.nodeSelector", id="Ollama"),
    ],
)
def test_one_changed_setting_is_one_changed_resource_and_its_key_is_shown(
    dev: Stack, setting: str, value: str, release: str, key: str
) -> None:
    with dev.changed({setting: value}):
        assert dev.changes() == {release: {key}}


def test_more_memory_for_an_app_is_more_room_in_its_quota_too(dev: Stack) -> None:
    with dev.changed({"ollama.resources.limits.memory": "6Gi"}):
        assert dev.changes() == {
            OLLAMA_RELEASE: {"values.resources.limits.memory"},
            "update kubernetes:core/v1:ResourceQuota ollama-quota": {'spec.hard["limits.memory"]'},
        }


def test_a_model_that_is_added_is_shown_inside_librechat_yaml(dev: Stack) -> None:
    with dev.changed({"ollama.models": ["llama3.2:1b", "qwen3:0.6b"]}):
        shown = [line.strip() for line in dev.run("preview", "--diff").stdout.splitlines()]
    assert "~ 2 to update" in shown
    # In the list that Ollama pulls, in LibreChat's text block, which is compared key by key, and in the outputs.
    assert shown.count('+ [1]: "qwen3:0.6b"') == 3


def objects(stack: Stack) -> dict[str, object]:
    """Every object of the stack's namespaces, and when it last changed."""
    return {**stored_in(stack.cluster, stack.ollama), **stored_in(stack.cluster, stack.librechat)}


def resources(stack: Stack) -> dict[str, object]:
    """Every resource of the state, and when it last changed; the rest of it depends on the order of registration."""
    return {item["urn"]: (item.get("id"), item["created"], item["modified"]) for item in stack.resources()}
