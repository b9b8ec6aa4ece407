"""The settings table of the README, from the settings classes: `python -m docs.settings_table` writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.settings import REQUIRED, all_settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- settings: written by python -m docs.settings_table -->"
END = "<!-- settings end -->"


def table() -> str:
    """The table as Markdown: a row for every key that a stack file may set."""
    rows = ["| key | default | allowed | what for |", "| --- | --- | --- | --- |"]
    for key, setting in all_settings().items():
        if not setting.has_parts:
            rows.append(f"| `{key}` | {_default(setting.default)} | {setting.allowed} | {setting.description} |")
    return "\n".join(rows)


def with_table(readme: str) -> str:
    """The README's text with the table between its two markers; raises ValueError where a marker is missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{README.name} lacks the line {BEGIN if not begin else END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    if value is None or value in ({}, ()):
        return "none"
    return f"`{yaml.safe_dump(value).splitlines()[0]}`"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
