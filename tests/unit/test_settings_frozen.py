"""Settings are parsed once and then stay as they are."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Secret, ValidationError

from tests.unit.deployment import load_settings


def models_of(value: Any) -> Iterator[BaseModel]:
    """Every model of a settings tree."""
    if isinstance(value, Secret):
        yield from models_of(value.get_secret_value())
    elif isinstance(value, tuple):
        for item in value:
            yield from models_of(item)
    elif isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from models_of(getattr(value, name))


def test_no_part_of_the_settings_can_be_reassigned() -> None:
    settings = load_settings("prod")
    parts = [*models_of(settings.ollama), *models_of(settings.librechat)]
    assert {type(part).__name__ for part in parts} == {
        *("OllamaSettings", "Gpu", "Toleration", "OllamaStorage", "OllamaChart"),
        *("LibreChatSettings", "SuppliedKeys", "LibreChatStorage", "LibreChatChart", "IngressSettings", "Resources"),
    }
    for part in parts:
        for name in type(part).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(part, name, getattr(part, name))
    with pytest.raises(AttributeError):
        settings.ollama = settings.ollama  # type: ignore[misc]
    with pytest.raises(AttributeError):
        settings.platform.protect = False  # type: ignore[misc]


def test_lists_in_the_settings_are_tuples() -> None:
    settings = load_settings("prod")
    assert settings.ollama
    assert isinstance(settings.ollama.models, tuple)
    assert isinstance(settings.ollama.tolerations, tuple)
