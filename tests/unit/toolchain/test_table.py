from __future__ import annotations

import re
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.timing import processor_seconds
from toolchain.programs import TABLE, Program, TableError, load

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import Sandbox

PROGRAMS = load()
INSTALL = TABLE.with_name("install.py")
EACH = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


def required(folder: Path) -> set[str]:
    """Every "path version" that a go.mod requires."""
    text = (folder / "go.mod").read_text()
    return set(re.findall(r"^(?:require |\t)(\S+ v\S+)", text, flags=re.MULTILINE))


@EACH
def test_a_program_has_a_module_folder_whose_go_mod_requires_its_source(program: Program) -> None:
    assert (program.go.module.folder / "go.sum").stat().st_size > 0
    assert program.go.module.source in required(program.go.module.folder)


@EACH
def test_the_version_is_what_the_build_takes_or_puts_in(program: Program) -> None:
    told = [program.go.module.source, *program.go.module.ldflags]
    assert any(re.search(rf"[ =]v?{re.escape(program.version)}( |$)", text) for text in told)


@EACH
def test_a_release_puts_the_same_files_in_place_as_a_build(program: Program) -> None:
    assert program.release is None or [member.rpartition("/")[2] for member in program.release.members] in (
        [],
        list(program.files),
    )


@EACH
def test_a_release_and_its_checksums_come_over_https_with_no_placeholder_left(program: Program) -> None:
    if program.release is not None:
        for url in (program.release.url, program.release.checksums):
            assert re.fullmatch(r"https://[^{}\s]+", url)


@EACH
def test_modules_of_copied_files_are_required_by_go_mod(program: Program) -> None:
    names = {line.split()[0] for line in required(program.go.module.folder)}
    assert {file.module for file in (*program.go.beside, *program.go.module.embed)} <= names


def test_programs_of_one_module_have_one_version() -> None:
    versions: dict[Path, set[str]] = {}
    for program in PROGRAMS:
        versions.setdefault(program.go.module.folder, set()).add(program.version)
    assert {folder.name: found for folder, found in versions.items() if len(found) > 1} == {}
    assert len(versions) < len(PROGRAMS)


def test_no_module_folder_is_unused() -> None:
    folders = {path.name for path in (TABLE.parent / "modules").iterdir()}
    assert folders == {program.go.module.folder.name for program in PROGRAMS}


def test_every_version_has_a_renovate_line_above_it() -> None:
    lines = TABLE.read_text().splitlines()
    above = [lines[number - 1] for number, line in enumerate(lines) if line.startswith("version = ")]
    assert len(above) == len(PROGRAMS)
    sources = ("# renovate: datasource=github-releases depName=", "# renovate: datasource=go depName=")
    assert [line for line in above if not line.startswith(sources)] == []


def test_kubernetes_minor_versions_put_in_by_the_linker_fit_the_modules() -> None:
    flags = {program.name: " ".join(program.go.module.ldflags) for program in PROGRAMS}
    folders = {program.name: program.go.module.folder for program in PROGRAMS}
    for name, word, module in (
        ("kube-apiserver", "gitMinor", "k8s.io/api"),
        ("helm", "k8sVersionMinor", "k8s.io/client-go"),
    ):
        minors = set(re.findall(rf"{word}=(\d+)", flags[name]))
        text = (folders[name] / "go.mod").read_text()
        assert minors == set(re.findall(rf"{module}(?: => {module})? v0\.(\d+)\.", text)), name


@pytest.mark.parametrize(
    ("line", "named"),
    [("colour = 1", "program.tool: .*colour"), ("", "program.tool: 'group'|program.tool: .*group")],
)
def test_a_broken_entry_is_named(sandbox: Sandbox, line: str, named: str) -> None:
    sandbox.add_program("tool")
    sandbox.table.write_text(sandbox.table.read_text().replace('group = "deploy"', line))
    with pytest.raises(TableError, match=named):
        load(sandbox.table)


def test_an_unknown_group_is_named_with_the_known_ones(sandbox: Sandbox) -> None:
    sandbox.add_program("tool")
    sandbox.table.write_text(sandbox.table.read_text().replace('"deploy"', '"prod"'))
    code, output = sandbox.run()
    assert code == 1
    assert "program.tool.group is 'prod', not one of deploy, cluster, test" in output


def test_what_a_build_by_hand_leaves_in_a_module_folder_changes_nothing(sandbox: Sandbox) -> None:
    module = sandbox.add_program("tool")
    before = load(sandbox.table)
    (module / "schema.json").write_text("{}")
    assert load(sandbox.table) == before
    (module / "main.go").write_text("package main")
    assert load(sandbox.table) != before


def test_the_folder_for_path_is_told_before_anything_is_there_and_stays(sandbox: Sandbox) -> None:
    sandbox.add_program("tool")
    code, told = sandbox.run("--print-bin")
    assert code == 0
    assert not sandbox.store.exists()
    assert told == sandbox.run("--print-bin")[1]
    sandbox.add_go()
    assert told.strip() in sandbox.run()[1]
    assert told == sandbox.run("--print-bin", "--group", "cluster")[1]
    sandbox.table.write_text(sandbox.table.read_text().replace("1.0.0", "1.0.1"))
    assert told != sandbox.run("--print-bin")[1]


def test_the_folder_for_path_is_told_without_loading_what_downloads_and_builds(tmp_path: Path) -> None:
    # make asks for it at each start: 0.05 to 0.08 s of processor time (2026-11), and twice that with all of these.
    line = [sys.executable, "-X", "importtime", str(INSTALL), "--print-bin"]
    done = subprocess.run(line, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    loaded = {entry.rpartition("|")[2].strip() for entry in done.stderr.splitlines()}
    assert {name for name in loaded if name.startswith("toolchain.")} == {"toolchain.programs", "toolchain.store"}
    assert not loaded & {"urllib.request", "subprocess", "concurrent.futures"}


def test_the_folder_for_path_costs_less_than_a_quarter_of_a_second_of_processor_time(tmp_path: Path) -> None:
    cached = {"PYTHONPYCACHEPREFIX": str(tmp_path), "HOME": str(tmp_path)}

    def costs(*command: str | Path) -> float:
        line = [sys.executable, *command]
        run = partial(subprocess.run, line, check=True, stdout=subprocess.DEVNULL, env=cached)
        return processor_seconds(run, resource.RUSAGE_CHILDREN)

    assert costs(INSTALL, "--print-bin") - costs("-c", "pass") < 0.25
