"""Commands that messages name have to work as they are printed: every command of a stack needs `--stack`."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator

from components.loading import PROJECT_DIR

NAMED = re.compile(r"python -m ops (?!images|contracts|check)[a-z-]+(?P<rest>[^\n`)]*)")
"""Those left out are about no stack."""


def texts(source: str) -> Iterator[str]:
    """What a program may print: its strings but docstrings, with `{}` for what is put into them."""
    # A finalizer that tells an error uses `ast`, too, and makes this fail in CPython 3.11.7 (gh-106905).
    gc.disable()
    try:
        tree = ast.parse(source)
    finally:
        gc.enable()
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    left_out |= {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(item.value) if isinstance(item, ast.Constant) else "{}" for item in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def lacking(source: str) -> list[str]:
    return [found[0] for text in texts(source) for found in NAMED.finditer(text) if "--stack " not in found["rest"]]


def test_a_command_that_a_message_names_names_its_stack() -> None:
    files = (PROJECT_DIR / "ops").rglob("*.py")
    found = {str(file.relative_to(PROJECT_DIR)): lacking(file.read_text(encoding="utf-8")) for file in files}
    assert {file: commands for file, commands in found.items() if commands} == {}


def test_one_that_does_not_is_found() -> None:
    assert lacking('print(f"{a}: python -m ops why")\nprint("python -m ops why --stack NAME")') == ["python -m ops why"]
