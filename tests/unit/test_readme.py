"""The README says what the code says."""

import json
import re
import tomllib

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
    rows = table().splitlines()[2:]
    assert rows
    for row in rows:
        assert all(cell.strip() for cell in row.strip("|").split("|")), row


def packages_in_the_readme() -> set[str]:
    """The names in the first column of its table of dependencies."""
    text = README.read_text(encoding="utf-8").lower()
    rows = text[text.index("## dependencies") :].splitlines()
    return {name for row in rows if row.startswith("| ") for name in re.findall(r"[a-z0-9-]+", row.split("|")[1])}


def test_every_pinned_package_earns_a_line_in_the_readme() -> None:
    dependencies = packages_in_the_readme()
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT_DIR / file).read_text().splitlines():
            if not line.startswith("-r"):
                assert re.fullmatch(r"[A-Za-z0-9-]+==[0-9.]+", line), f"{file}: {line} is not an exact pin"
                assert line.split("==")[0].lower() in dependencies, f"{line} has no line in the README"


def test_every_program_of_the_toolchain_earns_a_line_in_the_readme() -> None:
    programs = tomllib.loads((PROJECT_DIR / "toolchain" / "programs.toml").read_text())["program"]
    assert programs
    assert set(programs) - packages_in_the_readme() == set()


def test_every_package_that_the_go_and_node_parts_require_earns_a_line_in_the_readme() -> None:
    modules = re.findall(r"^\t(\S+) v\S+$", (PROJECT_DIR / "contracts" / "go.mod").read_text(), re.MULTILINE)
    names = {re.sub(r"/v\d+$", "", module).rpartition("/")[2].lower() for module in modules}
    node = set(json.loads((PROJECT_DIR / "ops" / "app_schema" / "package.json").read_text())["dependencies"])
    assert names and node
    assert (names | node) - packages_in_the_readme() == set()
