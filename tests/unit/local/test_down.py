"""`make down` without a STACK: the local cluster goes, unless the stack file protects what is on it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from local import up

NAMES = "name: private-chatgpt\nruntime: python\n"
PROTECTED = "config:\n  private-chatgpt:protect: true\n"
OPEN = "config:\n  private-chatgpt:ollama: {}\n"


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was stopped, in place of a cluster."""
    found: list[Path] = []
    monkeypatch.setattr(up, "PROJECT_DIR", tmp_path)
    monkeypatch.setattr("local.cluster.stop", found.append)
    return found


def down(project: Path, stack_file: str | None, deployed: str | None = None) -> int:
    local = project / ".local"
    for folder, text in ((project, stack_file), (local / "project", deployed)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Pulumi.yaml").write_text(NAMES)
        if text is not None:
            (folder / "Pulumi.dev.yaml").write_text(text)
    return up._down(Console(file=io.StringIO()), local)


@pytest.mark.parametrize(
    "text",
    [
        PROTECTED,
        'config:\n  private-chatgpt:protect: "true"\n',
        f"{PROTECTED}  private-chatgpt:ollama: {{models: 3}}\n",
        "config:\n  private-chatgpt:protect: yes please\n",
    ],
)
def test_a_protected_stack_stays_and_the_step_that_allows_it_is_named(
    tmp_path: Path, stopped: list[Path], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert down(tmp_path, text, OPEN) == 1
    assert stopped == [] and (tmp_path / ".local" / "project").exists()
    said = capsys.readouterr().err
    assert "Stack dev is protected: nothing was deleted." in said
    assert "take private-chatgpt:protect out of Pulumi.dev.yaml" in said and "Then again: make down" in said


@pytest.mark.parametrize(
    "text", [OPEN, "", "config:\n  private-chatgpt:protect: false\n", 'config: {"private-chatgpt:protect": "false"}']
)
def test_a_stack_that_is_not_protected_goes_even_if_it_was_at_the_last_up(
    tmp_path: Path, stopped: list[Path], text: str
) -> None:
    assert down(tmp_path, text, PROTECTED) == 0
    assert stopped == [tmp_path / ".local"] and not (tmp_path / ".local" / "project").exists()


@pytest.mark.parametrize("text", [None, "config: [", "- a list", "config: text", "\x00"])
@pytest.mark.parametrize(("deployed", "code"), [(PROTECTED, 1), (OPEN, 0), (None, 0)])
def test_where_the_stack_file_can_not_be_read_what_was_deployed_counts(
    tmp_path: Path, stopped: list[Path], text: str | None, deployed: str | None, code: int
) -> None:
    assert down(tmp_path, text, deployed) == code
    assert len(stopped) == 1 - code
