"""The README says what the code says."""

import re

import pytest

from components.loading import PROJECT_DIR
from docs.settings_table import BEGIN, README, table, with_table


def test_the_settings_table_of_the_readme_is_that_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "stale: run `.venv-tools/bin/python -m docs.settings_table`"


def test_a_stale_settings_table_is_noticed() -> None:
    text = README.read_text(encoding="utf-8")
    stale = text.replace("| `ollama.gpu.count` | `0` |", "| `ollama.gpu.count` | `1` |")
    assert stale != text
    assert with_table(stale) != stale


def test_a_readme_without_the_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks the line"):
        with_table("# Nothing here")
    with pytest.raises(ValueError, match="lacks the line"):
        with_table(BEGIN)


def test_every_setting_says_what_it_is_for_and_what_is_allowed() -> None:
    for row in table().splitlines()[2:]:
        assert all(cell.strip() for cell in row.strip("|").split("|")), row


def test_every_pinned_package_earns_a_line_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8").lower()
    dependencies = text[text.index("## dependencies") :]
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT_DIR / file).read_text().splitlines():
            if not line.startswith("-r"):
                assert re.fullmatch(r"[A-Za-z-]+==[0-9.]+", line), f"{file}: {line} is not an exact pin"
                assert line.split("==")[0].lower() in dependencies, f"{line} has no line in the README"
