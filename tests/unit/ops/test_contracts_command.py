"""`contracts`: which charts it takes, from where, and what it refuses. That it writes them is an engine test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from components.loading import PROJECT_DIR
from local.up import STAND_INS
from ops import contracts

FILE = "values/contracts/{}.schema.json"
MIRROR = "https://charts.example.com"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the stack dev and no contracts."""
    shutil.copy(PROJECT_DIR / "Pulumi.yaml", tmp_path)
    add_stack(tmp_path, "dev", MIRROR)
    monkeypatch.setattr(contracts, "PROJECT_DIR", tmp_path)
    return tmp_path


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[contracts.Wanted]:
    """The charts that the generator was asked for; it says of each that it reads the key `port`."""
    asked: list[contracts.Wanted] = []

    def generated(wanted: contracts.Wanted, generator: Path, project_dir: Path) -> str:
        asked.append(wanted)
        return json.dumps({"properties": {"port": {}}})

    monkeypatch.setattr(contracts, "generated", generated)
    monkeypatch.setattr(contracts, "build_generator", lambda folder: folder)
    return asked


def add_stack(project: Path, stack: str, charts: str, ollama: str = "1.77.0") -> None:
    document = yaml.safe_load((PROJECT_DIR / "Pulumi.dev.yaml").read_text())
    document["config"]["private-chatgpt:charts"] = charts
    document["config"].setdefault("private-chatgpt:ollama", {})["chart"] = {"version": ollama}
    (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))


def written(project: Path) -> set[str]:
    return {file.name for file in (project / "values" / "contracts").glob("*")}


def places(asked: list[contracts.Wanted]) -> set[tuple[str, str, str | None]]:
    return {(wanted.chart.name, wanted.chart.version, wanted.location.repository) for wanted in asked}


def test_each_pinned_version_is_written_once_and_no_half_written_file_is_left(
    project: Path, asked_for: list[contracts.Wanted]
) -> None:
    add_stack(project, "prod", MIRROR, "1.78.0")
    assert contracts.main([]) == 0
    assert len(asked_for) == 3
    names = {f"{name}.schema.json" for name in ("ollama-1.77.0", "ollama-1.78.0", "librechat-2.0.7")}
    assert written(project) == names


def test_one_stack_or_another_source_can_be_named(project: Path, asked_for: list[contracts.Wanted]) -> None:
    add_stack(project, "prod", MIRROR, "1.78.0")
    assert contracts.main(["--stack", "prod", "--charts", "https://mirror.example.org"]) == 0
    assert places(asked_for) == {
        ("ollama", "1.78.0", "https://mirror.example.org"),
        ("librechat", "2.0.7", "https://mirror.example.org"),
    }


def test_a_run_says_of_each_contract_what_became_of_it(
    project: Path, asked_for: list[contracts.Wanted], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / "values" / "contracts"
    folder.mkdir(parents=True)
    (folder / "ollama-1.77.0.schema.json").write_text(
        json.dumps({"properties": {"older": {"properties": {"key": {}}}}})
    )
    assert contracts.main(["--check"]) == 1
    assert written(project) == {"ollama-1.77.0.schema.json"}
    said = capsys.readouterr().out
    assert f"{FILE.format('ollama-1.77.0')}: would be written, 1 keys; gone: older; new: port\n" in said
    assert f"{FILE.format('librechat-2.0.7')}: would be written, new, 1 keys\n" in said
    assert contracts.main([]) == 0
    assert f"{FILE.format('ollama-1.77.0')}: written, 1 keys" in capsys.readouterr().out
    assert contracts.main(["--check"]) == 0
    assert capsys.readouterr().out.count(": unchanged\n") == 2


def test_a_stand_in_is_never_taken_for_the_real_chart(
    project: Path, asked_for: list[contracts.Wanted], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_ins = str(PROJECT_DIR / STAND_INS)
    for line in (["--charts", stand_ins], ["ollama", "1.77.0", stand_ins]):
        assert contracts.main(line) == 1
        said = capsys.readouterr().err
        assert "is a stand-in for chart ollama" in said and "--charts SOURCE" in said
    assert not asked_for and not written(project)
    assert contracts.main(["--charts", stand_ins, "--stand-ins"]) == 0
    assert len(asked_for) == 2


def test_a_stack_with_stand_ins_gives_way_to_one_with_the_real_charts(
    project: Path, asked_for: list[contracts.Wanted]
) -> None:
    add_stack(project, "alone", str(PROJECT_DIR / STAND_INS))
    assert contracts.main([]) == 0
    assert places(asked_for) == {("ollama", "1.77.0", MIRROR), ("librechat", "2.0.7", MIRROR)}


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["whoami", "1.2.3", "."], 1, "chart whoami 1.2.3 is not in the directory"),
        (["librechat", "2.0.7", "/no/such/place"], 1, "neither an address nor a directory"),
        (["--stack", "nope"], 1, "there is no Pulumi.nope.yaml"),
        (["librechat"], 2, "a chart takes a name, a version and a source"),
        (["librechat", "2.0.7", ".", "--stack", "dev"], 2, "are for the pinned charts"),
    ],
)
def test_a_mistake_is_said_and_nothing_is_written(
    project: Path,
    asked_for: list[contracts.Wanted],
    arguments: list[str],
    code: int,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        assert contracts.main(arguments) == code
    except SystemExit as ended:
        assert ended.code == code
    assert complaint in capsys.readouterr().err
    assert not written(project)


def test_without_go_the_command_says_what_is_missing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert contracts.main([]) == 2
    assert "Go is not on PATH" in capsys.readouterr().err


def test_without_helm_a_chart_of_a_repository_can_not_be_had(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contracts, "build_generator", lambda folder: folder)
    monkeypatch.setenv("PATH", "")
    assert contracts.main([]) == 2
    assert "helm, which fetches the charts, is not on PATH (make toolchain)" in capsys.readouterr().err
