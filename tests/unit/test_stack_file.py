"""Which stacks a project has."""

from pathlib import Path

from components import stack_file


def test_a_stack_may_have_dots_in_its_name(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.blue.eu.yaml", "Pulumi.dev.yaml.bak"):
        (tmp_path / name).touch()
    assert stack_file.stacks(tmp_path) == ["blue.eu", "dev"]


def test_a_folder_without_stack_files_has_no_stack(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    assert stack_file.stacks(tmp_path) == []
