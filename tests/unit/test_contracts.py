"""Values that a chart ignores or refuses are reported with their place and their cure."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.charts import LIBRECHAT, OLLAMA, Chart
from components.contracts import DIRECTORY, all_keys, contract_faults, contract_file
from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings
from components.provenance import Sources
from components.values import ValuesFile, merge
from tests.unit.timing import processor_seconds

NOWHERE = Path("/nonexistent/Pulumi.test.yaml")


def faults(chart: Chart, values: dict[str, Any]) -> list[str]:
    """What is reported of values that come from no file."""
    found = contract_faults(chart, values, Sources(chart.name, (), {}, NOWHERE, "private-chatgpt"))
    return [fault.text.partition(": ")[2] for fault in found]


def in_files(tmp_path: Path, base: str, overlay: str = "", override: dict[str, Any] | None = None) -> list[str]:
    """What is reported of LibreChat values that come from files and stack config."""
    files = []
    for name, text in (("librechat.yaml", base), ("librechat.test.yaml", overlay)):
        (tmp_path / name).write_text(text)
        files.append(ValuesFile(tmp_path / name, f"values/{name}", yaml.safe_load(text) or {}))
    stack_file = tmp_path / "Pulumi.test.yaml"
    stack_file.write_text(yaml.safe_dump({"config": {"p:librechat": {"values": override or {}}}}))
    values = merge(*(file.values for file in files), override or {})
    sources = Sources("librechat", files, override or {}, stack_file, "p")
    return [fault.text for fault in contract_faults(LIBRECHAT, values, sources)]


@pytest.mark.parametrize(
    ("chart", "values", "key", "cure"),
    [
        (OLLAMA, {"ollama": {"models": ["a", "b"]}}, "ollama.models", "ollama.models.pull"),
        (LIBRECHAT, {"config": {"SEARCH": "true"}}, "config.SEARCH", "librechat.configEnv.SEARCH"),
        (LIBRECHAT, {"extraEnvVarsSecret": "s"}, "extraEnvVarsSecret", "global.librechat.existingSecretName"),
        (LIBRECHAT, {"persistence": {"size": "1Gi"}}, "persistence.size", "librechat.imageVolume.size"),
        (LIBRECHAT, {"persistence": "on"}, "persistence", "librechat.imageVolume"),
        (
            LIBRECHAT,
            {"meilisearch": {"auth": {"enabled": True}}},
            "meilisearch.auth.enabled",
            "meilisearch.auth.existingMasterKeySecret",
        ),
    ],
)
def test_a_value_from_a_tutorial_is_reported_with_its_cure(
    chart: Chart, values: dict[str, Any], key: str, cure: str
) -> None:
    [text] = faults(chart, values)
    assert key in text
    assert text.endswith(f"It belongs to {cure}")


def test_of_all_tutorial_values_together_each_is_reported_and_nothing_else() -> None:
    tutorial = {
        "librechat": {"configEnv": {"SEARCH": "true"}},
        "config": {"SEARCH": "true", "APP_TITLE": "Chat"},
        "extraEnvVarsSecret": "secret",
        "persistence": {"enabled": True},
        "meilisearch": {"enabled": True, "auth": {"enabled": True, "existingMasterKeySecret": "secret"}},
        "mongodb": {"auth": {"enabled": True}},
    }
    reported = {text.split(" reads ")[1].split(". It")[0] for text in faults(LIBRECHAT, tutorial)}
    assert reported == {
        "config.SEARCH",
        "config.APP_TITLE",
        "extraEnvVarsSecret",
        "persistence.enabled",
        "meilisearch.auth.enabled",
    }
    assert len(faults(OLLAMA, {"ollama": {"models": ["a"], "gpu": {"enabled": True}}})) == 1


def test_the_values_of_every_stack_file_pass() -> None:
    assert Settings.of_stack("prod").platform.stack == "prod"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"autoscalling": {}}, "reads autoscalling. Did you mean autoscaling?"),
        ({"ollama": {"gpu": {"enable": True}}}, "reads ollama.gpu.enable. Did you mean ollama.gpu.enabled?"),
        ({"ollama": {"gpu": {"enabled": "yes"}}}, 'found "yes"; the chart takes true or false'),
        ({"tolerations": {"key": "a"}}, "found a map; the chart takes a list"),
        ({"ollama": {"xyzzy": 1}}, "it reads gpu, insecure, models, mountPath, port there"),
    ],
)
def test_an_unknown_key_or_a_wrong_type_says_what_the_chart_takes(values: dict[str, Any], expected: str) -> None:
    [text] = faults(OLLAMA, values)
    assert expected in text


def test_nulls_and_values_that_only_up_knows_pass() -> None:
    async def found() -> list[str]:
        unknown = pulumi.Output.from_input("later")
        return faults(LIBRECHAT, {"podAnnotations": {"checksum/credentials": unknown}, "resources": None})

    assert asyncio.run(found()) == []


def test_a_fault_names_the_file_and_line_that_had_the_last_word(tmp_path: Path) -> None:
    base = "# a comment\nlibrechat:\n  confgEnv: {}\nreplicaCont: 1\n"
    overlay = "replicaCont: 2\n"
    texts = in_files(tmp_path, base, overlay, {"imag": {"tag": "x"}})
    assert any(text.startswith("values/librechat.yaml:3: ") and "librechat.confgEnv" in text for text in texts)
    assert any(text.startswith("values/librechat.test.yaml:1: ") and "replicaCont" in text for text in texts)
    assert any(text.startswith("Pulumi.test.yaml: librechat.values (line 4): ") and "imag" in text for text in texts)
    assert len(texts) == 3


def test_a_comment_with_a_reason_lets_one_key_through(tmp_path: Path) -> None:
    base = "unread: 1 # contract: allow - a sidecar of ours reads it\nother: 1\n"
    assert [text.split(" reads ")[1].split(";")[0] for text in in_files(tmp_path, base)] == ["other"]


def test_a_comment_without_a_reason_lets_nothing_through(tmp_path: Path) -> None:
    [text] = in_files(tmp_path, "unread: 1 # contract: allow\n")
    assert text == "values/librechat.yaml:1: `# contract: allow` needs a reason behind it"


def test_a_missing_contract_says_which_file_is_missing_and_which_are_there() -> None:
    [text] = contract_faults(Chart("ollama", "9.9.9", ""), {}, Sources("ollama", (), {}, NOWHERE, "p"))
    assert "values/contracts/ollama-9.9.9.schema.json is missing" in text.text
    assert "ollama-1.77.0" in text.text and "Run make contracts" in text.text


def test_the_charts_own_default_values_have_no_fault_but_the_known_dead_key() -> None:
    """The default values of the real charts, reduced to their keys' shape (tests/unit/chart_defaults.yaml)."""
    defaults = yaml.safe_load((Path(__file__).parent / "chart_defaults.yaml").read_text())
    assert faults(OLLAMA, defaults["ollama"]) == []
    [text] = faults(LIBRECHAT, defaults["librechat"])
    assert "mongodb.databases" in text


def test_the_program_stops_on_an_ignored_value_before_any_resource(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT_DIR / "values", project / "values")
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        shutil.copy(PROJECT_DIR / name, project)
    with (project / "values" / "librechat.yaml").open("a") as file:
        file.write("\nextraEnvVarsSecret: mine\n")
    with pytest.raises(SettingsError, match=r"values/librechat\.yaml:\d+: no template .* reads extraEnvVarsSecret"):
        Settings.of_stack("prod", project)


def test_checking_both_apps_costs_less_than_150_ms() -> None:
    Settings.of_stack("prod")
    assert processor_seconds(lambda: Settings.of_stack("prod")) < 0.15


def test_every_cure_leads_to_a_key_that_the_chart_reads() -> None:
    cures = yaml.safe_load((DIRECTORY / "cures.yaml").read_text())
    for chart in (OLLAMA, LIBRECHAT):
        known = set(all_keys(json.loads(contract_file(chart).read_text(encoding="utf-8"))))
        for wrong, right in cures[chart.name].items():
            if right.endswith(".*"):
                # Whatever stands there goes on below it: of that the contract need not know every name.
                assert right.removesuffix(".*") in known, f"{wrong} → {right}"
                continue
            values: Any = "x"
            for part in reversed(right.split(".")):
                values = {part: values}
            unread = [text for text in faults(chart, values) if " reads " in text]
            assert not unread, f"{wrong} → {right}: {unread}"
