"""`make bench` compares two programs that deploy the same, and fails when ours is the slower one."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench import prepare as prepare_module
from bench.measure import Figures, Measurement
from bench.prepare import BenchError, Facts, Programs, differences, prepare, registered
from bench.report import too_slow
from components.loading import PROJECT_DIR

pytestmark = pytest.mark.alone

RELEASE = "kubernetes:helm.sh/v3:Release"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=PROJECT_DIR,
        # As on our machines: it must not make our components compile on every run.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return prepare(tmp_path_factory.mktemp("programs"), releases=3)


def releases_of(resources: dict[str, Facts]) -> dict[str, Facts]:
    return {urn.rpartition("::")[2]: facts for urn, facts in resources.items() if facts["type"] == RELEASE}


def test_a_run_writes_every_figure_as_json_and_fails_over_its_limit(tmp_path: Path) -> None:
    done = bench("--sizes", "2", "--repeat", "1", "--limit", "0.01", "--json", str(tmp_path / "bench.json"))

    assert done.returncode == 1, done.stderr
    assert "2 releases: a no-change preview of ours costs" in done.stderr
    assert "allowed: 0.01" in done.stderr
    assert "SIMULATED" in done.stdout
    written = json.loads((tmp_path / "bench.json").read_text())
    [size] = written["sizes"]
    assert size["releases"] == size["resources"][RELEASE] == 2
    for program in ("ours", "bare"):
        figures = size[program]
        assert {len(figure["runs"]) for figure in figures.values()} == {1}
        assert 0.3 < figures["previewSeconds"]["median"] < figures["firstUpSeconds"]["median"] < 300
        assert 20_000 < figures["stateBytes"]["median"] < 500_000
    ratio = size["ours"]["previewSeconds"]["median"] / size["bare"]["previewSeconds"]["median"]
    assert size["previewRatio"] == pytest.approx(ratio, rel=0.01)


def test_both_programs_register_the_same_resources_with_the_same_release_inputs(programs: Programs) -> None:
    ours, bare = registered(programs.ours), registered(programs.bare)

    assert Counter(facts["type"] for facts in ours.values()) == Counter(facts["type"] for facts in bare.values())
    assert releases_of(ours).keys() == {"ollama", "librechat", "hello-001"}
    assert releases_of(ours) == releases_of(bare)
    assert differences(ours, bare) == []


def test_nothing_is_measured_where_the_bare_program_asks_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(prepare_module.HERE, tmp_path / "bench")
    program = tmp_path / "bench" / "programs" / "bare.py"
    whole = program.read_text()
    spoiled = whole.replace("max_history=10", "max_history=3").replace(
        "\n        plain_app(name)\n", "\n        pass\n"
    )
    assert spoiled.count("max_history=3") == spoiled.count("        pass\n") == 1
    program.write_text(spoiled)
    monkeypatch.setattr(prepare_module, "HERE", tmp_path / "bench")

    with pytest.raises(BenchError) as error:
        prepare(tmp_path / "programs", releases=3)

    told = str(error.value).splitlines()
    assert (
        f"  only ours registers urn:pulumi:bench::private-chatgpt::chat:components:HelmApp${RELEASE}::hello-001" in told
    )
    assert [line for line in told if line.startswith("  inputs.maxHistory of ") and line.endswith("ours 10, bare 3")]


def test_the_limit_holds_for_the_medians_of_each_size() -> None:
    def measured(releases: int, ours: list[float], bare: list[float]) -> Measurement:
        return Measurement(releases, Counter(), load=0, ours=Figures(preview=ours), bare=Figures(preview=bare))

    quick = measured(2, ours=[2.2, 9.0, 2.3], bare=[2.0, 2.1, 1.0])  # One slow run is no slow median.
    slow = measured(20, ours=[4.0, 4.7, 4.8], bare=[4.0, 4.0, 9.0])

    assert too_slow([quick], limit=1.15) == []
    assert too_slow([quick, slow], limit=1.15) == [
        "20 releases: a no-change preview of ours costs 1.18 times the bare one; allowed: 1.15"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sizes", "1"], "found 1; allowed: 2 (Ollama and LibreChat) or more"),
        (["--sizes", "2,x"], "found x; allowed: a whole number, 1 or more"),
        (["--repeat", "0"], "found 0; allowed: a whole number, 1 or more"),
    ],
)
def test_a_size_or_count_that_makes_no_sense_is_refused_before_anything_runs(arguments: list[str], said: str) -> None:
    done = bench(*arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_run_over_teams_writes_what_each_cost_and_fails_over_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "teams.json"
    line = [sys.executable, "-m", "bench.teams", "--teams", "2", "--group", "1", "--limit", "0.01", "--json", str(file)]
    done = subprocess.run(line, cwd=PROJECT_DIR, text=True, capture_output=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    assert {text.partition(":")[0] for text in done.stderr.splitlines()} == {"up", "preview"}
    assert "SIMULATED" in done.stdout
    teams = json.loads(file.read_text())
    assert [team["name"] for team in teams] == ["team-001", "team-002"]
    for team in teams:
        assert 0.3 < team["preview"] < team["up"] < 200
    assert teams[0]["state"] == pytest.approx(teams[1]["state"], rel=0.01)
