"""The files in values/: how base and overlay come together, and what is wrong with a file that can't be used."""

from pathlib import Path
from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import attempt, copy_project, load_settings
from tests.unit.recording import STACK


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose values a test may spoil."""
    return copy_project(tmp_path)


def fault_of(project: Path, stack: str = "prod") -> str:
    """The one fault of the project's values."""
    with pytest.raises(SettingsError) as raised:
        load_settings(stack, directory=project)
    count, fault = str(raised.value).splitlines()
    assert count == "1 setting can't be used; nothing was changed."
    return fault.strip()


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("ollama.yaml", "a: 1\nb: [1, 2\nc: 3\n", "line 3: did not find expected ',' or ']'"),
        ("ollama.yaml", "a: 1\n\tb: 2\n", "line 2: found a tab character that violates indentation"),
        ("ollama.yaml", "a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands twice in one map"),
        ("ollama.yaml", "a:\n  b: 1\n  b: 2\n", "line 3: the key 'b' stands twice in one map"),
        ("ollama.yaml", "a:\n  - b: 1\n    b: 2\n", "line 3: the key 'b' stands twice in one map"),
        ("ollama.yaml", "- a\n- b\n", "found a list; allowed: a map of Helm values"),
        ("ollama.yaml", "just text\n", "found a str; allowed: a map of Helm values"),
        ("ollama.yaml", "a: 1\n---\nb: 2\n", "line 2: but found another document"),
        ("librechat.prod.yaml", "a: *missing\n", "line 1: found undefined alias"),
        ("app/librechat.yaml", "version: [\n", "line 2: did not find expected node content"),
        ("app/librechat.yaml", "a: 1\na: 2\n", "line 2: the key 'a' stands twice in one map"),
        ("app/librechat.prod.yaml", "[]\n", "found a list; allowed: a map of Helm values"),
    ],
)
def test_a_values_file_that_cannot_be_used_is_named_with_line_and_reason(
    project: Path, file: str, text: str, fault: str
) -> None:
    (project / "values" / file).write_text(text)
    assert fault_of(project) == f"values/{file}: {fault}"


def test_a_template_in_a_values_file_is_an_error_with_file_and_line(project: Path) -> None:
    (project / "values" / "ollama.yaml").write_text("a: 1\nname: {{ .Values.name }}\n")
    assert fault_of(project).startswith("values/ollama.yaml: line 2: ")


@pytest.mark.parametrize("content", [b"a: \x07bell\n", b"a: caf\xe9\n"])
def test_a_values_file_that_is_no_text_is_an_error_with_its_name(project: Path, content: bytes) -> None:
    (project / "values" / "ollama.yaml").write_bytes(content)
    assert fault_of(project).startswith("values/ollama.yaml: ")


@pytest.mark.parametrize(
    "text",
    [
        "podLabels:\n  1: one\n",
        "podLabels:\n  yes: one\n",
        "extraArgs:\n  - {2026-11-01: one}\n",
        "podLabels:\n  day: 2026-11-01\n",
        "podLabels:\n  data: !!binary aGk=\n",
        "podLabels:\n  most: .inf\n",
    ],
)
def test_what_the_engine_cannot_take_is_an_error_with_file_and_line(project: Path, text: str) -> None:
    # Keys that YAML reads as number or boolean, dates, bytes: registering the release would fail half-way on them,
    # without naming the file. In quotes they are text.
    (project / "values" / "ollama.yaml").write_text(text)
    assert fault_of(project).startswith("values/ollama.yaml: line 2: ")


def test_an_overlay_without_a_base_is_an_error(project: Path) -> None:
    (project / "values" / "olama.prod.yaml").write_text("a: 1\n")
    assert fault_of(project) == "values/olama.prod.yaml: overlays olama.yaml, which is not there"


def test_every_faulty_file_is_in_one_error_beside_faulty_settings(project: Path) -> None:
    (project / "values" / "ollama.yaml").write_text("- a\n")
    (project / "values" / "librechat.prod.yaml").write_text("a: [\n")
    (project / "values" / "app" / "librechat.yaml").write_text("text\n")
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {"librechat": {"title": ""}}, directory=project)
    count, *faults = str(raised.value).splitlines()
    assert count.startswith("4 settings")
    assert [fault.split(": ")[0].strip() for fault in faults] == [
        "Pulumi.prod.yaml",
        "values/librechat.prod.yaml",
        "values/ollama.yaml",
        "values/app/librechat.yaml",
    ]


def test_a_faulty_values_file_stops_the_program_before_it_registers_anything(project: Path) -> None:
    (project / "values" / "librechat.yaml").write_text("a: [\n")
    deployment = attempt("prod", directory=project)
    assert str(deployment.error).splitlines()[1].strip().startswith("values/librechat.yaml: line 2: ")
    assert [registration.type for registration in deployment.registrations] == [STACK]


def test_the_overlay_of_another_stack_has_no_say(project: Path) -> None:
    (project / "values" / "ollama.dev.yaml").write_text("a: [\n")
    load_settings("prod", directory=project)
    assert fault_of(project, "dev").startswith("values/ollama.dev.yaml: line ")


def values_of(project: Path, stack: str = "prod") -> dict[str, Any]:
    """What the values files say of Ollama."""
    return load_settings(stack, directory=project).platform.values("ollama")


def test_the_overlay_of_the_stack_is_merged_over_the_base(project: Path) -> None:
    (project / "values" / "ollama.yaml").write_text("podLabels: {base: a, both: a}\nextraArgs: [a, b]\naffinity: {}\n")
    (project / "values" / "ollama.prod.yaml").write_text("podLabels: {both: b}\nextraArgs: [c]\naffinity: null\n")
    assert values_of(project, "prod") == {"podLabels": {"base": "a", "both": "b"}, "extraArgs": ["c"], "affinity": None}
    assert values_of(project, "dev") == {
        "podLabels": {"base": "a", "both": "a"},
        "extraArgs": ["a", "b"],
        "affinity": {},
    }


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_values_file_says_nothing(project: Path, text: str) -> None:
    (project / "values" / "ollama.yaml").write_text(text)
    assert values_of(project) == {}


def test_a_merge_key_may_stand_beside_what_it_merges(project: Path) -> None:
    (project / "values" / "ollama.yaml").write_text("podLabels: &a {x: a, y: a}\npodAnnotations: {<<: *a, y: b}\n")
    assert values_of(project)["podAnnotations"] == {"x": "a", "y": "b"}


def test_text_beyond_ascii_is_read_as_it_is_written(project: Path) -> None:
    (project / "values" / "ollama.yaml").write_text("extraArgs: [grüß dich]\n", encoding="utf-8")
    assert values_of(project) == {"extraArgs": ["grüß dich"]}
