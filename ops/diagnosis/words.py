"""Words that several kinds of causes share."""

from __future__ import annotations

from components.settings import all_settings


def in_setting(release: str, key: str) -> str:
    """` (ollama.gpu.count)`: where a stack file sets it; empty for a release that has no such setting."""
    full = f"{release}.{key}"
    return f" ({full})" if full in all_settings() else ""


def shortened(text: str, length: int = 300) -> str:
    """The text in one line of at most that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
