"""The command, its table and JSON, the words for a hook, and the switches in the stack file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console

from components.faults import SettingsError
from components.loading import PROJECT_DIR
from components.settings import CheckName
from ops import preflight
from ops.preflight_checks import running
from ops.preflight_checks.findings import CouldNotTellError, Finding, Result, Said, fails, unknown, well
from ops.preflight_checks.rendering import releases_of
from ops.preflight_checks.table import show
from tests.unit.deployment import load_settings
from tests.unit.ops.preflight_views import view

OK = Finding(Result.OK, "all is well", "", "storage", "ollama")
FAILED = Finding(Result.FAILED, "[no] room", "make room", "capacity", "librechat")
UNKNOWN = Finding(Result.UNKNOWN, "who knows", "", "version", None)
OFF = Finding(Result.OFF, "switched off: because", "", "gpu", "ollama")


def test_every_name_that_can_be_switched_off_is_a_check() -> None:
    assert list(running.CHECKS) == list(get_args(CheckName))


@pytest.mark.parametrize(
    ("findings", "code"),
    [([OK], 0), ([OK, OFF], 0), ([OK, UNKNOWN], 2), ([OK, UNKNOWN, FAILED], 1), ([FAILED, OFF], 1), ([], 0)],
)
def test_the_exit_code_says_whether_something_failed_or_could_not_be_told(findings: list[Finding], code: int) -> None:
    assert preflight.exit_code(findings) == code


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Finding]:
    """What the checks are going to find, for a stack that names a context."""
    findings: list[Finding] = []
    monkeypatch.setattr(running, "examine", lambda *arguments: findings)
    (tmp_path / "Pulumi.yaml").write_text((PROJECT_DIR / "Pulumi.yaml").read_text())
    (tmp_path / "values").symlink_to(PROJECT_DIR / "values")
    (tmp_path / "Pulumi.prod.yaml").write_text((PROJECT_DIR / "Pulumi.prod.yaml").read_text())
    monkeypatch.setattr(preflight, "PROJECT_DIR", tmp_path)
    return findings


def test_json_has_every_finding_and_what_was_asked(found: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    found += [OK, FAILED]
    assert preflight.main(["--stack", "prod", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["stack"], report["context"]) == ("prod", "prod")
    assert report["findings"] == [
        {"check": "storage", "release": "ollama", "result": "ok", "text": "all is well", "cure": ""},
        {"check": "capacity", "release": "librechat", "result": "failed", "text": "[no] room", "cure": "make room"},
    ]


def test_the_table_has_a_row_for_each_finding_and_counts_them() -> None:
    console = Console(file=io.StringIO(), width=100)
    show([OK, FAILED, UNKNOWN, OFF], "prod", 1.23, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    lines = [line.split() for line in file.getvalue().splitlines() if line.strip()]
    assert ["capacity", "librechat", "failed", "[no]", "room"] in lines
    assert ["→", "make", "room"] in lines
    assert ["version", "-", "could", "not", "tell", "who", "knows"] in lines
    assert file.getvalue().endswith(
        "Stack prod: 1 ok, 1 failed, 1 could not tell, 1 off (1.2 s, nothing was changed)\n"
    )


def test_a_stack_that_is_not_there_or_can_not_be_used_is_no_failed_check(
    found: list[Finding], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preflight.main(["--stack", "none"]) == 2
    assert "There is no stack none: " in capsys.readouterr().err
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(file.read_text().replace("kubernetes:context: prod", "private-chatgpt:charts: upstream"))
    assert preflight.main(["--stack", "prod"]) == 2
    assert "kubernetes:context is missing" in capsys.readouterr().err


def test_a_hook_gets_the_words_of_what_failed_and_nothing_else() -> None:
    assert preflight.refusal([OK, UNKNOWN, OFF]) is None
    text = preflight.refusal([OK, FAILED, UNKNOWN])
    assert text is not None
    assert "  capacity (librechat): [no] room\n    make room" in text
    assert "who knows" not in text and "all is well" not in text


def test_a_release_is_asked_for_by_itself_and_a_stack_with_all_of_its_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def examine(*arguments: Any) -> list[Finding]:
        asked.append(arguments)
        return []

    monkeypatch.setattr(running, "examine", examine)
    settings = load_settings("prod", {"preflight": {"off": {"gpu": "why not"}}})
    ollama, librechat = releases_of(settings)
    switched = settings.platform.preflight
    preflight.preflight_release(ollama, switched, "other", "file")
    preflight.preflight(settings)
    assert asked == [
        ([ollama], {"gpu": "why not"}, "other", "file"),
        ([ollama, librechat], {"gpu": "why not"}, "prod", None),
    ]


def test_importing_the_hooks_functions_imports_no_client_and_no_table() -> None:
    script = "import sys, ops.preflight; print([name for name in ('kubernetes', 'rich') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what the checks say, put together --------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *said: Said, error: Exception | None = None, **off: str) -> list[Finding]:
    """The findings of the check `gpu` that says this, or raises."""

    def check(_: Any) -> Any:
        yield from said
        if error:
            raise error

    monkeypatch.setitem(running.CHECKS, "gpu", check)
    settings = load_settings("prod", {"preflight": {"off": off}})
    return list(running.findings_of("gpu", view(), settings.platform.preflight.off))


def test_of_what_a_check_says_only_what_is_not_ok_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (well("one"), fails("two", "mend it"), unknown("three"))
    assert run(monkeypatch, *said) == [
        Finding(Result.FAILED, "two", "mend it", "gpu", "ollama"),
        Finding(Result.UNKNOWN, "three", "", "gpu", "ollama"),
    ]
    assert run(monkeypatch, well("one"), well("two")) == [Finding(Result.OK, "one; two", "", "gpu", "ollama")]


def test_what_a_check_has_said_before_it_could_not_go_on_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, fails("two", "mend it"), error=CouldNotTellError("no answer"))
    assert [(item.result, item.text) for item in found] == [(Result.FAILED, "two"), (Result.UNKNOWN, "no answer")]


@pytest.mark.parametrize("error", [KeyError("spec"), ValueError("a lot"), TypeError("x"), AttributeError("y")])
def test_a_manifest_of_an_odd_form_is_no_crash_and_no_pass(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    (found,) = run(monkeypatch, well("one"), error=error)
    assert found.result is Result.UNKNOWN
    assert type(error).__name__ in found.text and str(error) not in found.text


def test_a_check_that_is_off_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = run(monkeypatch, error=RuntimeError("it ran"), gpu="nodes come from an autoscaler")
    assert (found.result, found.text) == (Result.OFF, "switched off: nodes come from an autoscaler")
    with pytest.raises(RuntimeError):
        run(monkeypatch, error=RuntimeError("it ran"), storage="another check")


@pytest.mark.parametrize(
    ("off", "fault"),
    [
        ({"gpus": "none"}, 'preflight.off.gpus found "gpus"; allowed: version, permissions, names, '),
        ({"gpu": ""}, 'preflight.off.gpu found ""; allowed: '),
        ({"gpu": "  "}, "preflight.off.gpu found "),
        ({"gpu": True}, "preflight.off.gpu found true; allowed: "),
        ({"reachable": "vpn"}, "preflight.off.reachable found "),
        (["gpu"], 'preflight.off found ["gpu"]; allowed: '),
    ],
)
def test_a_switch_needs_the_name_of_a_check_and_a_reason(off: Any, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("prod", {"preflight": {"off": off}})
    (found,) = caught.value.faults
    assert f"{found.key} {found.text}".startswith(fault)


def test_no_check_is_off_unless_the_stack_file_says_so() -> None:
    assert load_settings("prod").platform.preflight.off == {}
    assert load_settings("prod", {"preflight": {"off": {"gpu": "why not"}}}).platform.preflight.off == {
        "gpu": "why not"
    }
