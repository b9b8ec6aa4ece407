"""A stack file read without Pulumi: what checks, previews and operations know of a stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.formats import KEY_LENGTHS

PLACEHOLDERS = {"uri": "mongodb://placeholder/placeholder", "key": "placeholder-of-a-key"}
"""For secret settings that have a format and are no generated keys."""


def stacks(project_dir: Path) -> list[str]:
    """Names of the stacks that have a file there, sorted; a name may hold dots."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in project_dir.glob("Pulumi.*.yaml"))


def read(file: Path) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """The config of a stack file without its encrypted values, and the paths at which those stood."""
    document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
    config: dict[str, Any] = document.get("config") or {}
    return config, list(_take_encrypted(config))


def read_with_placeholders(file: Path) -> tuple[dict[str, Any], set[str]]:
    """The config of a stack file, placeholders for encrypted values, and the keys that hold an encrypted value."""
    config, encrypted = read(file)
    for path in encrypted:
        parent = config
        for part in path[:-1]:
            parent = parent.setdefault(part, {})
        parent[path[-1]] = placeholder(path[-1])
    return config, {path[0] for path in encrypted}


def placeholder(name: str) -> str:
    """A text that passes for the secret setting `name`: hex characters of the right length for a key, else a word."""
    if name in KEY_LENGTHS:
        return name.encode().hex().ljust(KEY_LENGTHS[name], "0")[: KEY_LENGTHS[name]]
    return PLACEHOLDERS.get(name, "placeholder")


def _take_encrypted(config: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key in list(config):
        value = config[key]
        if isinstance(value, dict) and set(value) == {"secure"}:
            del config[key]
            yield (key,)
        elif isinstance(value, dict):
            yield from ((key, *below) for below in _take_encrypted(value))
