from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import Sandbox


def test_a_module_is_built_by_the_real_go_with_its_generated_file_and_version(sandbox: Sandbox) -> None:
    module = sandbox.add_program("tool")
    with sandbox.table.open("a") as table:
        table.write('ldflags = ["-X main.version=v{version}"]\ngenerate = { "text.txt" = "./gen" }\n')
    (module / "main.go").write_text(
        'package main\n\nimport (\n\t_ "embed"\n\t"os"\n)\n\n'
        "//go:embed text.txt\nvar text string\n\nvar version string\n\n"
        'func main() { _, _ = os.Stdout.WriteString(version + " " + text + "\\n") }\n'
    )
    (module / "gen").mkdir()
    (module / "gen" / "main.go").write_text(
        'package main\n\nimport "os"\n\nfunc main() { _, _ = os.Stdout.WriteString("generated") }\n'
    )
    before = {path: path.read_bytes() for path in module.rglob("*") if path.is_file()}
    found = shutil.which("go")
    assert found, "make test needs Go, on PATH"
    go = Path(found).parent
    # The real home: its build cache spares the test compiling the standard library. GOFLAGS would break the build.
    code, output = sandbox.run(
        PATH=f"{go}:{os.defpath}", HOME=os.environ["HOME"], GOFLAGS="-race", GOOS="plan9", GOPROXY="off"
    )
    assert (code, sandbox.says("tool")) == (0, "v1.0.0 generated"), output
    assert {path: path.read_bytes() for path in module.rglob("*") if path.is_file()} == before


def test_what_is_there_is_not_built_again_and_a_lost_file_is(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release='url = "http://127.0.0.1:1/tool"\nchecksums = "{url}.sha256"')
    code, output = sandbox.run()
    assert (code, "no answer" in output) == (0, False), output
    assert [sandbox.run()[0], len(sandbox.builds())] == [0, 1]
    sandbox.installed("tool")[0].unlink()
    assert [sandbox.run()[0], len(sandbox.builds()), sandbox.says("tool")] == [0, 2, "v1.0.0"]


def test_a_changed_recipe_is_built_anew_and_the_old_program_stays_for_other_checkouts(sandbox: Sandbox) -> None:
    sandbox.add_go()
    module = sandbox.add_program("tool")
    assert sandbox.run()[0] == 0
    old = sandbox.run("--print-bin")[1]
    (module / "go.mod").write_text("module toolchain/tool\n\ngo 1.26.1\n")
    assert [sandbox.run()[0], len(sandbox.builds()), len(sandbox.installed("tool"))] == [0, 2, 2]
    assert sandbox.run("--print-bin")[1] != old
    assert Path(old.strip(), "tool").exists()


def test_only_the_groups_asked_for_are_installed(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    code, output = sandbox.run("--group", "cluster", "--group", "test")
    assert (code, sandbox.builds()) == (0, []), output
    assert sandbox.run("--group", "deploy", "--group", "test")[0] == 0
    assert len(sandbox.builds()) == 1


def test_files_of_other_modules_stand_beside_the_program(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", go='beside = [{ module = "example.test/sdk", path = "python/cmd/tool-exec" }]')
    source = tmp_path / "cache" / "python" / "cmd" / "tool-exec"
    source.parent.mkdir(parents=True)
    source.write_text("#!/bin/sh\necho helper\n")
    source.chmod(0o444)
    code, output = sandbox.run(FAKE_GO_MODULE=str(tmp_path / "cache"))
    assert (code, sandbox.says("tool"), sandbox.says("tool-exec")) == (0, "v1.0.0", "helper"), output


def test_a_module_that_cannot_be_fetched_is_named_with_what_go_said(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", go='beside = [{ module = "example.test/sdk", path = "tool-exec" }]')
    code, output = sandbox.run()
    assert code == 1
    assert "tool 1.0.0 can't be built: fetching example.test/sdk failed:" in output
    assert "dial tcp: no such host" in output
    assert "Set GOPROXY" in output
    assert sandbox.installed("tool") == []


def test_a_built_program_of_another_version_is_not_put_in_place(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    code, output = sandbox.run(FAKE_GO_SAYS="v1.0.0-rc.1")
    assert code == 1
    assert "not tool 1.0.0: `tool --version` says 'v1.0.0-rc.1'" in output
    assert (sandbox.installed("tool"), sandbox.leftovers()) == ([], [])


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("go: example.test/m: dial tcp: lookup proxy.test: no such host", "Set GOPROXY"),
        ("link: signal: killed", "want of memory"),
        ("write /tmp/x: no space left on device", "Free some disk space"),
        ("./main.go:3:1: syntax error", ""),
    ],
)
def test_a_failed_build_shows_what_go_said_and_what_to_do(sandbox: Sandbox, error: str, advice: str) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    code, output = sandbox.run(FAKE_GO_ERROR=error)
    assert code == 1
    assert "tool 1.0.0 can't be built: go build . failed:" in output
    assert error in output
    assert advice in output
    assert ("GOPROXY" in output) == ("GOPROXY" in advice)
    assert (sandbox.installed("tool"), sandbox.leftovers()) == ([], [])


def test_without_go_and_releases_everything_missing_is_named_at_once(sandbox: Sandbox) -> None:
    sandbox.add_program("first")
    sandbox.add_program("second", release='url = "http://127.0.0.1:1/second"\nchecksums = "{url}.sha256"')
    code, output = sandbox.run(TOOLCHAIN_MIRROR="direct")
    assert code == 1
    assert "first 1.0.0: Go\n" in output
    assert "second 1.0.0: Go, or an answer from http://127.0.0.1:1/second\n" in output
    assert "TOOLCHAIN_MIRROR" in output
    assert sandbox.installed("first") == []


@pytest.mark.parametrize("version", ["1.25.9", "1.9.7", "1.26rc2"])
def test_a_go_that_is_too_old_and_may_not_switch_is_named_with_both_versions(sandbox: Sandbox, version: str) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    code, output = sandbox.run(FAKE_GO_VERSION=f"go{version}", FAKE_GO_TOOLCHAIN="local")
    assert code == 1
    assert f"tool 1.0.0: Go 1.26.0 or newer (found {version}: {sandbox.folder}/path/go)" in output
    assert sandbox.builds() == []


def test_an_old_go_that_may_switch_to_a_newer_one_builds(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    assert sandbox.run(FAKE_GO_VERSION="go1.25.9", FAKE_GO_TOOLCHAIN="auto")[0] == 0


def test_a_store_that_cannot_be_written_is_named(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool")
    sandbox.store.write_text("a file, not a folder")
    code, output = sandbox.run()
    assert code == 1
    assert f"Programs go into {sandbox.store}; TOOLCHAIN_DIR names another folder." in output
    assert "Traceback" not in output
