"""What a command asks at a terminal, and what it does with any end of the question."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ops import __main__ as ops
from ops.command import agreed

Terminal = list[str | type[BaseException]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What the person at the terminal does: an answer, or an end of the question."""
    doing: Terminal = []

    def answer(prompt: str = "") -> str:
        assert not prompt, "it would go to stdout"
        done = doing.pop(0)
        if isinstance(done, str):
            return done
        raise done

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", answer)
    return doing


@pytest.mark.parametrize("answer", ["y", " YES "])
def test_only_a_yes_is_one(terminal: Terminal, capsys: pytest.CaptureFixture[str], answer: str) -> None:
    terminal.append(answer)
    assert agreed()
    assert tuple(capsys.readouterr()) == ("", "Go on? [y/N] ")


@pytest.mark.parametrize("end", ["", "n", "maybe", EOFError, KeyboardInterrupt])
def test_whoever_ends_the_question_says_no_and_programs_read_nothing_of_it(
    terminal: Terminal, capsys: pytest.CaptureFixture[str], end: str | type[BaseException]
) -> None:
    terminal.append(end)
    assert not agreed("Mend it?", "Nothing more was changed")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Mend it? [y/N] ") and told.err.endswith("Nothing more was changed.\n")


def test_nobody_is_asked_where_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert not agreed()
    told = capsys.readouterr()
    assert told.out == "" and "--yes" in told.err and "[y/N]" not in told.err


def test_a_command_that_is_ended_by_hand_says_so_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(_: list[str]) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.status.main", main)
    assert ops.main(["status", "--stack", "prod"]) == 130
    assert "Stopped." in capsys.readouterr().err
