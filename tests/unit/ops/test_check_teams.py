"""`make check` holds the stack files of several teams against each other."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings, pinned_charts
from ops import check

CHAT = {"tlsSecret": "tls", "defaultModel": "llama3.2:1b"}
OLLAMA = {"models": ["llama3.2:1b"]}
BOTH: dict[str, Any] = {"ollama": OLLAMA, "librechat": CHAT}
SHARED = {"sharedOllama": {"stack": "acme/private-chatgpt/models"}, "librechat": CHAT}


@pytest.fixture(autouse=True)
def _no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_check_app_schema", lambda report, chats: None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without stack files."""
    shutil.copytree(PROJECT_DIR / "values", tmp_path / "values")
    for stack in ("prod", "ha"):
        for overlay in tmp_path.glob(f"values/**/*.{stack}.yaml"):
            overlay.unlink()
    shutil.copy(PROJECT_DIR / "Pulumi.yaml", tmp_path)
    return tmp_path


def write(project: Path, stack: str, keys: Mapping[str, Any], context: str | None = "shared") -> None:
    """A stack file; a LibreChat that names no host gets one of its own."""
    if keys.get("librechat"):
        keys = {**keys, "librechat": {"host": f"{stack}.example.com", **keys["librechat"]}}
    config = {f"private-chatgpt:{key}": value for key, value in keys.items()}
    named = {"kubernetes:context": context} if context else {}
    (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": {**named, **config}}))


def findings(project: Path) -> list[str]:
    """Every finding, its file first."""
    return [f"{item.file}: {item.text}" for item in sorted(check.check(project).findings)]


def test_two_teams_on_one_cluster_have_no_finding(project: Path) -> None:
    for team in ("blue", "red"):
        write(project, team, {"team": team, **BOTH})
    assert findings(project) == []


@pytest.mark.parametrize(("context", "found"), [("shared", 1), ("elsewhere", 0), (None, 0)])
def test_two_teams_with_one_host_on_one_cluster_are_a_finding(project: Path, context: str | None, found: int) -> None:
    chat = {**CHAT, "host": "chat.example.com"}
    write(project, "blue", {"team": "blue", **BOTH, "librechat": chat})
    write(project, "red", {"team": "red", **BOTH, "librechat": chat}, context)
    assert findings(project) == found * [
        'Pulumi.red.yaml: librechat.host found "chat.example.com", as in Pulumi.blue.yaml on the same context '
        "shared; allowed: a host of its own. One ingress controller would answer for both"
    ]


def test_localhost_is_nobody_s_host_and_a_stack_without_librechat_has_none(project: Path) -> None:
    chat = {"host": "localhost", "defaultModel": "llama3.2:1b"}
    for team in ("blue", "red"):
        write(project, team, {"team": team, **BOTH, "librechat": chat})
    for team in ("models", "more-models"):
        write(project, team, {"team": team, "ollama": OLLAMA})
    assert findings(project) == []


def test_two_stacks_with_one_team_on_one_cluster_are_a_finding(project: Path) -> None:
    write(project, "blue", {"team": "blue", **BOTH})
    write(project, "red", {"team": "blue", **BOTH})
    assert findings(project) == [
        "Pulumi.red.yaml: claims the namespaces blue-librechat, blue-ollama, as Pulumi.blue.yaml does on the same "
        "context shared; allowed: namespaces of its own. Set team, or the namespace of each app"
    ]


def test_one_namespace_of_another_stack_is_a_finding_whichever_app_claims_it(project: Path) -> None:
    write(project, "blue", {"team": "blue", **BOTH})
    write(project, "red", {"team": "red", **BOTH, "librechat": {**CHAT, "namespace": "blue-ollama"}})
    (found,) = findings(project)
    assert found.startswith("Pulumi.red.yaml: claims the namespaces blue-ollama, as Pulumi.blue.yaml does")


@pytest.mark.parametrize("context", ["elsewhere", None])
def test_the_same_namespaces_on_another_cluster_are_none(project: Path, context: str | None) -> None:
    write(project, "blue", BOTH, context)
    write(project, "red", BOTH)
    assert findings(project) == []


def test_stacks_that_name_no_cluster_are_not_taken_to_be_on_the_same_one(project: Path) -> None:
    write(project, "blue", BOTH, None)
    write(project, "red", BOTH, None)
    assert findings(project) == []


def test_a_stack_of_one_app_is_checked_with_what_the_file_of_the_other_stack_says(project: Path) -> None:
    write(project, "models", {"team": "models", "ollama": {**OLLAMA, "clients": ["blue-librechat"]}})
    write(project, "blue", {"team": "blue", **SHARED})
    assert findings(project) == []
    served = Settings.of_stack("blue", project).platform.served
    assert served and (served.url, served.models) == ("http://ollama.models-ollama.svc:11434", ("llama3.2:1b",))


@pytest.mark.parametrize(
    ("context", "shared", "found"),
    [
        ("elsewhere", "acme/private-chatgpt/models", True),
        ("shared", "acme/private-chatgpt/models", False),
        (None, "acme/private-chatgpt/models", False),
        ("elsewhere", "acme/another-project/models", False),
        ("elsewhere", "acme/private-chatgpt/unknown", False),
    ],
)
def test_a_shared_ollama_on_another_context_is_a_finding(
    project: Path, context: str | None, shared: str, found: bool
) -> None:
    write(project, "models", {"team": "models", "ollama": {**OLLAMA, "clients": ["blue-librechat"]}})
    write(project, "blue", {"team": "blue", **SHARED, "sharedOllama": {"stack": shared}}, context)
    assert findings(project) == found * [
        'Pulumi.blue.yaml: sharedOllama.stack found "acme/private-chatgpt/models", which by Pulumi.models.yaml is on '
        "the context shared, and this stack on elsewhere: its address is known inside of its own cluster alone; "
        "allowed: a stack of the same cluster, or sharedOllama.url. Where both contexts are one cluster, name it alike "
        "in both files"
    ]


@pytest.mark.parametrize(
    ("ollama", "found"),
    [
        ({**OLLAMA, "models": ["qwen2.5:0.5b"], "clients": ["blue-librechat"]}, "librechat.defaultModel found"),
        (OLLAMA, "sharedOllama.stack found"),
    ],
)
def test_what_the_other_stack_s_file_does_not_promise_is_a_finding(
    project: Path, ollama: dict[str, Any], found: str
) -> None:
    write(project, "models", {"team": "models", "ollama": ollama})
    write(project, "blue", {"team": "blue", **SHARED})
    (text,) = findings(project)
    assert text.startswith(f"Pulumi.blue.yaml: {found}")


def test_of_a_stack_without_a_file_here_nothing_is_known_and_nothing_is_found(project: Path) -> None:
    write(project, "blue", {"team": "blue", **SHARED})
    assert findings(project) == []
    served = Settings.of_stack("blue", project).platform.served
    assert served and not served.complete


def test_a_file_of_the_other_stack_that_can_not_be_read_has_the_one_finding(project: Path) -> None:
    write(project, "models", {"team": "models", "ollama": {"modells": []}})
    write(project, "blue", {"team": "blue", **SHARED})
    assert {text.split(":")[0] for text in findings(project)} == {"Pulumi.models.yaml"}


def test_the_other_stack_is_one_of_this_project_or_its_file_does_not_count(project: Path) -> None:
    write(project, "models", {"team": "models", "ollama": OLLAMA})
    write(project, "blue", {**SHARED, "sharedOllama": {"stack": "acme/another-project/models"}})
    assert findings(project) == []


def test_only_the_charts_of_a_stack_s_own_apps_are_pinned(project: Path) -> None:
    write(project, "models", {"ollama": OLLAMA})
    write(project, "blue", SHARED)
    assert [chart.name for chart in pinned_charts("models", project)[1]] == ["ollama"]
    assert [chart.name for chart in pinned_charts("blue", project)[1]] == ["librechat"]


def test_an_empty_part_is_as_good_as_none(project: Path) -> None:
    write(project, "blue", {"team": "", "ollama": {}, "sharedOllama": {}, "librechat": {}})
    with pytest.raises(SettingsError, match="A stack has ollama, librechat, or both"):
        Settings.of_stack("blue", project)


@pytest.mark.parametrize("team", ["null", None])
def test_a_team_of_that_name_is_not_silently_none(project: Path, team: str | None) -> None:
    write(project, "blue", {"team": team, **BOTH})
    with pytest.raises(SettingsError, match="team found null; allowed: another name, or no team at all"):
        Settings.of_stack("blue", project)
