"""What others' checkers say of the manifests of each stack, and of the repo. Exceptions stand in checkers/."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import stack_file
from components.loading import PROJECT_DIR
from tests.engine.manifests import VERSION, manifests_of

EXCEPTIONS = Path(__file__).parent / "checkers" / "exceptions.yaml"
CHECKOV = PROJECT_DIR / ".venv-checkov" / "bin" / "checkov"
STACKS = stack_file.stacks(PROJECT_DIR)
Finding = tuple[str, str]
"""Check and object."""


def of_kube_score(file: Path) -> Iterator[Finding]:
    """All that isn't well, warnings too."""
    version = VERSION.rpartition(".")[0]
    line = ["kube-score", "score", "--kubernetes-version", version, "--output-format", "json", str(file)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    for item in json.loads(done.stdout):
        for check in item["checks"]:
            if check["grade"] < 10 and not check["skipped"]:
                yield check["check"]["id"], f"{item['type_meta']['kind']}/{item['object_meta']['name']}"


def of_checkov(file: Path) -> Iterator[Finding]:
    """All that failed; it asks no server."""
    line = [str(CHECKOV), "--file", str(file), "--framework", "kubernetes", "--output", "json", "--skip-download"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    results = json.loads(done.stdout)["results"]
    assert results["parsing_errors"] == []
    for check in results["failed_checks"]:
        kind, _, name = check["resource"].split(".")
        yield check["check_id"], f"{kind}/{name}"


CHECKERS = {"kube-score": of_kube_score, "checkov": of_checkov}


def exceptions(tool: str) -> dict[Finding, str]:
    """The reasons, by finding."""
    entries: list[dict[str, Any]] = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))[tool]
    return {(entry["check"], each): entry["reason"] for entry in entries for each in entry["objects"]}


def findings(tool: str, manifests: list[dict[str, Any]], directory: Path) -> set[Finding]:
    """What a tool finds in the manifests."""
    file = directory / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    return set(CHECKERS[tool](file))


@pytest.mark.parametrize("tool", CHECKERS)
@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_found_that_has_no_reason(stack: str, tool: str, tmp_path: Path) -> None:
    assert findings(tool, manifests_of(stack, {}), tmp_path) - set(exceptions(tool)) == set()


@pytest.mark.parametrize("tool", CHECKERS)
def test_every_exception_is_still_needed_and_has_a_reason(tool: str, tmp_path: Path) -> None:
    found: set[Finding] = set()
    for stack in STACKS:
        found |= findings(tool, manifests_of(stack, {}), tmp_path)
    assert set(exceptions(tool)) - found == set()
    assert [finding for finding, reason in exceptions(tool).items() if not reason.strip()] == []


@pytest.mark.parametrize(
    ("tool", "check"), [("kube-score", "container-security-context-privileged"), ("checkov", "CKV_K8S_16")]
)
def test_a_privileged_container_is_found(tool: str, check: str, tmp_path: Path) -> None:
    privileged = {"ollama": {"values": {"securityContext": {"privileged": True}}}}
    assert (check, "Deployment/ollama") in findings(tool, manifests_of("prod", privileged), tmp_path)


def test_no_secret_stands_in_the_repo(tmp_path: Path) -> None:
    assert leaks(tracked(tmp_path)) == []


def test_a_secret_in_the_repo_would_be_found(tmp_path: Path) -> None:
    folder = tracked(tmp_path)
    token = "ghp_" + "x7Kq2mZ9aB4tR8vN1cW6yE3uH5jL0pS2dF7g"
    (folder / "values" / "ollama.yaml").write_text(f"extraEnv:\n  - name: GITHUB_TOKEN\n    value: {token}\n")
    assert leaks(folder) == ["github-pat in values/ollama.yaml"]


def tracked(directory: Path) -> Path:
    """A copy of what is in the repo, committed or about to be: not what tools leave in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    folder = directory / "repo"
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT_DIR / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_DIR / name, folder / name)
    return folder


def leaks(folder: Path) -> list[str]:
    """What gitleaks finds in a folder."""
    report = folder.parent / "leaks.json"
    line = ["gitleaks", "dir", str(folder), "--no-banner", "--report-format", "json", "--report-path", str(report)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return [f"{item['RuleID']} in {Path(item['File']).relative_to(folder)}" for item in json.loads(report.read_text())]
