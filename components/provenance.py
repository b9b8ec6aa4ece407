"""Where a Helm value came from: the file and line, the stack config, or the program itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.values import Values, ValuesFile

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """The path as people write it, such as `ingress.hosts.0`."""
    return ".".join(map(str, path))


@dataclass(frozen=True)
class Origin:
    """The place to edit."""

    place: str
    """`values/ollama.yaml:12`, or who else set it."""
    comment: str = ""
    """What stands behind the `#` on that line."""


@dataclass(frozen=True)
class Sources:
    """The layers that a release's values were merged from."""

    app: str
    files: Sequence[ValuesFile]
    override: Values
    """`<app>.values` of the stack config."""
    stack_file: Path
    project: str

    def origin(self, path: KeyPath) -> Origin:
        """Who had the last word on `path`."""
        if _holds(self.override, path):
            in_config = ("config", f"{self.project}:{self.app}", "values", *path)
            return _in_file(self.stack_file, in_config, f"{self.stack_file.name}: {self.app}.values")
        for file in reversed(self.files):
            if _holds(file.values, path):
                return _in_file(file.path, path, file.shown)
        return Origin("set by the program (components/)")


def _holds(values: Any, path: KeyPath) -> bool:
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _in_file(file: Path, path: KeyPath, shown: str) -> Origin:
    """The line of a key. The file is parsed a second time here, with positions: only when there is a fault."""
    if not file.is_file():
        return Origin(shown)
    text = file.read_text(encoding="utf-8")
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            key, node = next(((k, v) for k, v in node.value if k.value == str(part)), (None, None))
            if key is None:
                return Origin(shown)
            line = key.start_mark.line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
    _, _, comment = text.splitlines()[line].partition("#")
    return Origin(f"{shown}:{line + 1}" if ":" not in shown else f"{shown} (line {line + 1})", comment.strip())
