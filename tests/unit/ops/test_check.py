"""`make check` finds what is wrong in stack files, values files, contracts and librechat.yaml, all in one run."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.charts import LIBRECHAT
from components.loading import PROJECT_DIR
from components.rules import CONFIG_VERSIONS
from ops import check
from ops.__main__ import main
from tests.unit.timing import processor_seconds

LIBRECHAT_YAML = "values/app/librechat.yaml"
CONTRACT = f"values/contracts/librechat-{LIBRECHAT.version}.schema.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of everything that is checked."""
    shutil.copytree(PROJECT_DIR / "values", tmp_path / "values")
    for file in PROJECT_DIR.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves LibreChat's own schema out, for tests of the rest."""
    monkeypatch.setattr(check, "_check_app_schema", lambda report, chats: None)


def findings(project: Path) -> dict[str, list[str]]:
    """Texts by file, those with a line as `line: text`."""
    found: dict[str, list[str]] = {}
    for finding in sorted(check.check(project).findings):
        text = f"{finding.line}: {finding.text}" if finding.line else finding.text
        found.setdefault(finding.file, []).append(text)
    return found


def edit(file: Path, pattern: str, replacement: str) -> None:
    """Replace the first match of a pattern in a file."""
    text = file.read_text()
    changed = re.sub(pattern, replacement, text, count=1, flags=re.M)
    assert changed != text
    file.write_text(changed)


def ask_schema(**texts: str) -> dict[str, Any]:
    """What ops/app_schema/check.mjs says of some librechat.yaml texts."""
    done = subprocess.run(
        ["node", check.APP_SCHEMA / "check.mjs"], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def said(answer: dict[str, Any]) -> dict[str, str]:
    """Messages by dotted path."""
    return {".".join(map(str, finding["path"])): finding["message"] for finding in answer["findings"]}


def test_the_repo_has_no_finding_and_one_line_says_what_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check"])
    printed = capsys.readouterr().out
    assert code == 0, printed
    [line] = printed.splitlines()
    assert line.startswith("Checked 3 stacks (dev, ha, prod), ")
    assert re.search(r"\d+ contracts, librechat\.yaml against librechat-data-provider \S+: no findings", line)


def test_findings_of_all_kinds_are_printed_together_grouped_by_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(project / "Pulumi.prod.yaml", r"vendor: nvidia", "vendor: intel")
    edit(project / LIBRECHAT_YAML, r"titleConvo", "titleConvoy")
    with (project / "values" / "ollama.yaml").open("a") as file:
        file.write("replicaCont: 1\n")
    (project / CONTRACT).with_name("notes.json").write_text("{")
    monkeypatch.setattr(check, "PROJECT_DIR", project)
    code = main(["check"])
    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    files = [line for line in lines[:-1] if not line.startswith(" ")]
    assert files == ["Pulumi.prod.yaml", LIBRECHAT_YAML, "values/contracts/notes.json", "values/ollama.yaml"]
    assert 'ollama.gpu.vendor found "intel"; allowed: nvidia or amd' in lines[1]
    assert "endpoints.custom.0.titleConvoy is not a key that LibreChat knows" in "\n".join(lines)
    assert "Did you mean replicaCount?" in "\n".join(lines)
    assert re.search(r": \d findings \(", lines[-1])


def test_json_has_the_same_findings(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_node: None
) -> None:
    (project / "values" / "ollama.yaml").write_text("a: 1\na: 2\n")
    monkeypatch.setattr(check, "PROJECT_DIR", project)
    assert main(["check", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["stacks"] == ["dev", "ha", "prod"]
    [finding] = report["findings"]
    assert finding["file"] == "values/ollama.yaml"
    assert "stands twice" in finding["text"]


def test_a_stack_without_a_context_is_no_finding_and_its_other_faults_are(project: Path, no_node: None) -> None:
    assert "kubernetes:context" not in (project / "Pulumi.dev.yaml").read_text().split("config:\n")[1]
    edit(project / "Pulumi.dev.yaml", r"registration: true", "registration: 'yes'")
    assert list(findings(project)) == ["Pulumi.dev.yaml"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("config:\n  a: [\n", "3: "),
        ("config: []\n", "has no map `config`"),
        ("", "has no map `config`"),
        ("- config\n", "has no map `config`"),
    ],
)
def test_a_stack_file_that_is_no_config_is_a_finding(project: Path, text: str, found: str, no_node: None) -> None:
    (project / "Pulumi.dev.yaml").write_text(text)
    [(file, [first])] = findings(project).items()
    assert file == "Pulumi.dev.yaml"
    assert first.startswith(found)


def test_a_config_key_of_another_project_is_a_finding(project: Path, no_node: None) -> None:
    with (project / "Pulumi.prod.yaml").open("a") as file:
        file.write("  private-chatgtp:protect: true\n  kubernetes:namespace: x\n")
    [text] = findings(project)["Pulumi.prod.yaml"]
    assert text.startswith("private-chatgtp:protect is read by nobody; allowed: private-chatgpt:protect")


def test_a_fault_in_a_file_of_every_stack_is_one_finding_with_its_line(project: Path, no_node: None) -> None:
    edit(project / "values" / "librechat.yaml", r"^updateStrategy:", "extraEnvVarsSecret: mine\nupdateStrategy:")
    line = (project / "values" / "librechat.yaml").read_text().splitlines().index("extraEnvVarsSecret: mine") + 1
    [(file, [text])] = findings(project).items()
    assert file == "values/librechat.yaml"
    assert text.startswith(f"{line}: no template of librechat {LIBRECHAT.version} reads extraEnvVarsSecret")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("librechat.prd.yaml", "there is no Pulumi.prd.yaml; allowed: overlays of dev, ha, prod. Did you mean prod?"),
        ("app/librechat.staging.yaml", "there is no Pulumi.staging.yaml; allowed: overlays of dev, ha, prod."),
        ("ollama.yml", "is read by nobody; allowed: files that end in .yaml"),
    ],
)
def test_a_values_file_that_nobody_reads_is_a_finding(project: Path, name: str, found: str, no_node: None) -> None:
    (project / "values" / name).write_text("a: 1\n")
    [(file, [text])] = findings(project).items()
    assert file == f"values/{name}"
    assert text.endswith(found)


def test_an_overlay_without_a_base_is_a_finding(project: Path, no_node: None) -> None:
    (project / "values" / "redis.prod.yaml").write_text("a: 1\n")
    [(file, [text])] = findings(project).items()
    assert (file, text) == ("values/redis.prod.yaml", "overlays redis.yaml, which is not there")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{\n  oops\n", "2: is no JSON: "),
        ('{"type": "nonsense"}', "is no JSON Schema: "),
    ],
)
def test_a_contract_that_is_none_is_a_finding(project: Path, content: str, found: str, no_node: None) -> None:
    (project / CONTRACT).write_text(content)
    by_file = findings(project)
    [text] = by_file.pop(CONTRACT)
    assert text.startswith(found)
    assert "Run make contracts, or restore it from git" in text
    assert list(by_file) == ["Pulumi.dev.yaml", "Pulumi.ha.yaml", "Pulumi.prod.yaml"]
    assert by_file["Pulumi.prod.yaml"][0].startswith("was not checked against the contracts")


def test_a_missing_contract_of_a_pinned_chart_is_a_finding(project: Path, no_node: None) -> None:
    (project / CONTRACT).unlink()
    assert any(
        "is missing, the contract of a pinned chart: run make contracts" in text for text in findings(project)[CONTRACT]
    )


@pytest.mark.parametrize("name", ["librechat.schema.json", "librechat-2.0.schema.json", "librechat-config-9.json"])
def test_a_file_beside_the_contracts_that_nobody_reads_is_a_finding(project: Path, name: str, no_node: None) -> None:
    (project / "values" / "contracts" / name).write_text("{}")
    assert findings(project)[f"values/contracts/{name}"][0].startswith("is read by nobody; allowed: <chart>-<version>")


def test_broken_cures_are_a_finding(project: Path, no_node: None) -> None:
    (project / "values" / "contracts" / "cures.yaml").write_text("a: [\n")
    assert findings(project)["values/contracts/cures.yaml"][0].startswith("2: is no YAML: ")


def test_librechats_own_schema_finds_what_no_rule_of_ours_knows_at_its_line(project: Path) -> None:
    edit(project / LIBRECHAT_YAML, r"titleConvo: true", "titleConvo: 'sometimes'\n      iconUrl: none")
    lines = (project / LIBRECHAT_YAML).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "sometimes" in text)
    assert findings(project)[LIBRECHAT_YAML] == [
        f"{line}: endpoints.custom.0.titleConvo Expected boolean, received string"
    ]
    edit(project / LIBRECHAT_YAML, r"'sometimes'", "true")
    [text] = findings(project)[LIBRECHAT_YAML]
    assert text == f"{line + 1}: endpoints.custom.0.iconUrl is not a key that LibreChat knows: it does nothing"


def test_a_librechat_yaml_in_a_stack_file_is_held_against_the_schema_too(project: Path) -> None:
    stack_file = project / "Pulumi.prod.yaml"
    document = yaml.safe_load(stack_file.read_text())
    override = {"librechat": {"configYamlContent": "version: 1.3.13\ncache: 'often'\n"}}
    document["config"]["private-chatgpt:librechat"]["values"] = override
    stack_file.write_text(yaml.safe_dump(document))
    [(file, [text])] = findings(project).items()
    assert file == "Pulumi.prod.yaml"
    assert text.endswith("replaces librechat.yaml, and there cache Expected boolean, received string")


def test_a_chart_whose_librechat_yaml_is_not_known_is_a_finding(project: Path) -> None:
    edit(project / "Pulumi.prod.yaml", r"  private-chatgpt:librechat:\n", r"\g<0>    chart:\n      version: 9.9.9\n")
    shutil.copy(project / CONTRACT, project / "values" / "contracts" / "librechat-9.9.9.schema.json")
    [(file, [text])] = findings(project).items()
    assert file == "Pulumi.prod.yaml"
    assert text.startswith("librechat.chart.version found 9.9.9")
    assert text.endswith("allowed: 2.0.7. Add it to components/rules.py and ops/app_schema")


def test_without_node_the_report_says_loudly_what_to_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(project))
    [text] = findings(project)["ops/app_schema/package.json"]
    assert text == "librechat.yaml was NOT checked: there is no Node. Install Node 20 or newer, then: make check"


@pytest.mark.parametrize("state", ["not installed", "older than its lock file"])
def test_without_the_package_the_report_says_loudly_what_to_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    schema = project / "app_schema"
    schema.mkdir()
    (schema / "package-lock.json").write_text("{}")
    if state != "not installed":
        (schema / "node_modules").mkdir()
        (schema / "node_modules" / ".package-lock.json").write_text("{}")
        os.utime(schema / "node_modules" / ".package-lock.json", (1, 1))
    monkeypatch.setattr(check, "APP_SCHEMA", schema)
    [text] = findings(project)["ops/app_schema/package.json"]
    assert f"librechat.yaml was NOT checked: LibreChat's schema is {state}. Install it: make check" in text
    assert "npm ci --ignore-scripts" in text


def test_a_node_that_fails_is_a_finding_and_no_pass(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "node").write_text("#!/bin/sh\necho 'Error: no such thing' >&2\nexit 3\n")
    (project / "node").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(project))
    [text] = findings(project)["ops/app_schema/package.json"]
    assert text == "librechat.yaml was NOT checked: node failed with Error: no such thing"


def test_the_schema_refuses_what_librechat_exits_on() -> None:
    answer = ask_schema(
        bad="version: 1.3.13\nlagfuse: 1\nendpoints:\n  costum: []\n  custom: [{name: openAI, models: {default: []}}]\n"
    )
    assert said(answer).keys() == {
        "lagfuse",
        "endpoints.costum",
        "endpoints.custom.0.name",
        "endpoints.custom.0.models.default",
    }
    assert [list(said(ask_schema(bad=text)).values()) for text in ("", "[1]", "a: [")] == [
        ["Required"],
        ["Expected object, received array"],
        ["is no YAML: unexpected end of the stream within a flow collection in line 2"],
    ]


def test_the_schema_is_that_of_the_deployed_librechat() -> None:
    """The pinned package is newer (release.mjs says why): it knows every later key, and each is reported as later."""
    preset = {"endpoint": "Ollama", "reasoning_mode": "pro", "reasoning_context": "auto", "reasoning_effort": "max"}
    spec = {"name": "n", "label": "l", "preset": preset, "showInMenu": True, "memory": True, "askUserQuestion": True}
    replay = {"includeReasoningContent": True, "includeReasoningHistory": True}
    later = ["memory", "ask_user_question", "stateful_code_sessions", "run_in_background", "tool_intents"]
    config = {
        "version": "1.3.13",
        "langfuse": {"enabled": True},
        "summarization": {"retainRecent": {"turns": 1}},
        "modelSpecs": {"list": [spec | {"runInBackground": True}]},
        "speech": {"speechTab": {"speechToText": {"engineSTT": "browser"}, "textToSpeech": {"engineTTS": "external"}}},
        "endpoints": {
            "agents": {
                "capabilities": ["tools", *later],
                "toolApproval": {"mode": "default"},
                "checkpointer": {"ttl": 1},
            },
            "custom": [{"name": "Mine", "customParams": replay}],
        },
    }
    answer = ask_schema(stack=yaml.safe_dump(config))
    assert answer["configVersion"] == CONFIG_VERSIONS[LIBRECHAT.version]
    messages = said(answer)
    assert all("newer than LibreChat v0.8.7 (configuration 1.3.13)" in message for message in messages.values())
    capabilities = {f"endpoints.agents.capabilities.{index}" for index in range(1, 6)}
    assert messages.keys() == capabilities | {
        "langfuse",
        "summarization.retainRecent",
        "modelSpecs.list.0.showInMenu",
        "modelSpecs.list.0.memory",
        "modelSpecs.list.0.askUserQuestion",
        "modelSpecs.list.0.runInBackground",
        "modelSpecs.list.0.preset.reasoning_mode",
        "modelSpecs.list.0.preset.reasoning_context",
        "modelSpecs.list.0.preset.reasoning_effort",
        "speech.speechTab.speechToText.engineSTT",
        "speech.speechTab.textToSpeech.engineTTS",
        "endpoints.agents.toolApproval",
        "endpoints.agents.checkpointer",
        "endpoints.custom.0.customParams.includeReasoningContent",
        "endpoints.custom.0.customParams.includeReasoningHistory",
    }


def test_when_the_package_of_the_deployed_librechat_is_pinned_nothing_counts_as_later() -> None:
    script = (
        "import { Constants } from 'librechat-data-provider'; import { CONFIG_VERSION, LATER } from './release.mjs';"
        "console.log(Constants.CONFIG_VERSION === CONFIG_VERSION, LATER.size)"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", script],
        cwd=check.APP_SCHEMA,
        capture_output=True,
        text=True,
        check=True,
    )
    same, later = done.stdout.split()
    assert (same == "true") == (later == "0")


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((check.APP_SCHEMA / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages.values())


def test_a_whole_check_takes_less_than_five_seconds_of_processor_time() -> None:
    line = [sys.executable, "-m", "ops", "check", "--json"]

    def check_once() -> None:
        subprocess.run(line, cwd=PROJECT_DIR, capture_output=True, check=False)

    assert 0 < processor_seconds(check_once, resource.RUSAGE_CHILDREN, turns=1) < 5
