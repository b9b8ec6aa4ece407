"""What Ollama's values say of models: no others than the stack's outputs and its chat know."""

from __future__ import annotations

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import deploy, load_settings

MODELS = ["llama3.1:8b", "mistral-nemo:12b"]


def changes(**models: Any) -> dict[str, Any]:
    """A stack with two models whose Helm values say this of models."""
    values = {"ollama": {"models": models}}
    return {"ollama": {"models": MODELS, "values": values}, "librechat": {"defaultModel": MODELS[0]}}


@pytest.mark.parametrize(
    ("models", "key"),
    [
        ({"pull": ["llama3.2:1b"]}, "pull"),
        ({"pull": MODELS[:1]}, "pull"),
        ({"pull": [*MODELS, "llama3.2:1b"]}, "pull"),
        ({"pull": ["x; curl evil"]}, "pull"),
        ({"pull": [5]}, "pull"),
        ({"run": ["llama3.2:1b"]}, "run"),
        ({"run": [f"{MODELS[0]}; curl evil"]}, "run"),
        ({"create": [{"name": "mine", "template": "FROM llama3.1"}]}, "create"),
    ],
)
def test_models_that_the_settings_do_not_name_are_an_error(models: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", changes(**models))
    count, text = str(refused.value).splitlines()
    assert count.startswith("1 setting can't be used")
    assert text.strip().startswith(f"Pulumi.dev.yaml: ollama.values: ollama.models.{key} found ")
    assert "ollama.models (llama3.1:8b, mistral-nemo:12b)" in text
    assert text.endswith("Drop it, and set ollama.models")


@pytest.mark.parametrize(
    "models",
    [{"pull": []}, {"pull": None}, {"pull": MODELS[::-1]}, {"run": MODELS[:1]}, {"create": []}, {"clean": True}],
)
def test_models_on_a_volume_that_has_them_and_models_kept_in_memory_are_let_through(models: dict[str, Any]) -> None:
    found = deploy("dev", changes(**models)).values("ollama")["ollama"]["models"]
    assert {key: found[key] for key in models} == models


@pytest.mark.parametrize("models", [{"pull": "llama3.1:8b"}, {"run": {"a": "b"}}, {"create": 5}])
def test_lists_of_another_shape_are_an_error_and_no_traceback(models: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        load_settings("dev", changes(**models))
