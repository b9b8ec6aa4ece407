"""A preview of every stack against an empty state: there, no other stack can be asked for its Ollama."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.loading import PROJECT_DIR
from local import preview

CHAT = {"host": "chat.example.com", "tlsSecret": "tls", "defaultModel": "llama3.2:1b"}
SHARED = {"stack": "acme/private-chatgpt/models"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stack blue has the models of another stack."""
    shutil.copytree(PROJECT_DIR / "values", tmp_path / "values")
    shutil.copy(PROJECT_DIR / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(preview, "PROJECT_DIR", tmp_path)
    write(tmp_path, "blue", sharedOllama=SHARED, librechat=CHAT)
    return tmp_path


def write(project: Path, stack: str, **keys: Any) -> None:
    """A stack file."""
    config = {f"private-chatgpt:{key}": value for key, value in keys.items()}
    (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


def test_the_other_stack_s_ollama_is_named_by_what_its_file_says(project: Path) -> None:
    write(project, "models", ollama={"models": ["llama3.2:1b", "b:2b"], "namespace": "ai", "clients": ["librechat"]})
    assert preview.without_other_stacks("blue") == {
        "private-chatgpt:sharedOllama": {
            "url": "http://ollama.ai.svc:11434",
            "models": ["llama3.2:1b", "b:2b"],
            "namespace": "ai",
        }
    }


def test_of_a_stack_without_a_file_here_a_placeholder_is_named(project: Path) -> None:
    (shared,) = preview.without_other_stacks("blue").values()
    assert shared["models"] == ["llama3.2:1b"]
    assert "another-stack" in shared["url"]


def test_a_stack_with_models_of_its_own_or_with_faults_stays_as_it_is(project: Path) -> None:
    write(project, "own", ollama={"models": ["llama3.2:1b"]}, librechat=CHAT)
    write(project, "faulty", sharedOllama=SHARED)
    write(project, "url", sharedOllama={"url": "http://a.b.svc", "models": ["llama3.2:1b"]}, librechat=CHAT)
    assert [preview.without_other_stacks(stack) for stack in ("own", "faulty", "url")] == [{}, {}, {}]
