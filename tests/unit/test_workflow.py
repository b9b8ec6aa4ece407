from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from toolchain.store import Store

PROJECT = Path(__file__).parents[2]
CI_RUN = PROJECT / ".ci" / "run"
CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"
OF_THIS_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"

Promise = Callable[..., None]
BREAKS: list[tuple[Promise, str, str]] = []


class Workflow:
    """A workflow's text, and what it says, with every scalar as text (`on` is true to other loaders)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.document: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
        self.jobs: dict[str, Any] = self.document["jobs"]

    def uses(self, action: str = "", job: str = "") -> list[dict[str, Any]]:
        """The steps that use an action, or any, of a job, or all."""
        steps = [step for name in self.jobs if job in ("", name) for step in self.jobs[name]["steps"]]
        return [step for step in steps if "uses" in step and action in ("", step["uses"].partition("@")[0])]

    def scripts(self, job: str) -> list[str]:
        """Every `run:` of a job."""
        return [step["run"] for step in self.jobs[job]["steps"] if "run" in step]

    def said(self) -> list[str]:
        """Every key and scalar; comments are none."""
        return list(_texts(self.document))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from (key, *_texts(value))
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
    else:
        yield str(node)


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return Workflow((PROJECT / ".github" / "workflows" / "ci.yml").read_text())


def broken_by(now: str, then: str) -> Callable[[Promise], Promise]:
    """The test is run once more, with another text in the workflow, and has to fail then."""

    def noted(promise: Promise) -> Promise:
        BREAKS.append((promise, now, then))
        return promise

    return noted


@broken_by(" # v5.0.0", "")
@broken_by(CHECKOUT, "actions/checkout@v5")
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(workflow: Workflow) -> None:
    used = re.findall(r"uses:(.*)", workflow.text)
    assert len(used) == len(workflow.uses()) > 0
    assert [use for use in used if not re.fullmatch(r" [\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


@broken_by("actions/cache/restore@9255", "actions/cache/restore@9256")
def test_an_action_is_of_one_version_everywhere(workflow: Workflow) -> None:
    pins: dict[str, set[str]] = {}
    for action, pin in re.findall(r"uses: ([\w-]+/[\w-]+)\S*@(.*)", workflow.text):
        pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@broken_by("  pull_request:", "  pull_request_target:")
def test_it_runs_for_pull_requests_without_the_rights_of_their_base(workflow: Workflow) -> None:
    assert workflow.document["on"] == {"pull_request": "", "push": {"branches": ["main"]}}


@broken_by("permissions: {}", "permissions: read-all")
@broken_by("contents: read", "contents: write")
def test_no_job_has_more_rights_than_it_names_and_only_the_comment_may_write(workflow: Workflow) -> None:
    assert workflow.document["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow.jobs.items()} == {
        "test": {"contents": "read"},
        "preview": {"contents": "read"},
        "comment": {"pull-requests": "write"},
    }


@broken_by("${{ github.token }}", "${{ secrets.GITHUB_TOKEN }}")
@broken_by("run: make test", "run: make test\n        env: {TOKEN: '${{ github.token }}'}")
def test_no_secret_is_used_and_the_token_by_the_comment_alone(workflow: Workflow) -> None:
    assert [text for text in workflow.said() if re.search(r"\bsecrets\b|inherit", text)] == []
    assert [text for text in workflow.said() if "token" in text.lower()] == ["GH_TOKEN", "${{ github.token }}"]
    assert workflow.jobs["comment"]["steps"][-1]["env"]["GH_TOKEN"] == "${{ github.token }}"


@broken_by("gh pr comment", "make --version; gh pr comment")
@broken_by("actions/download-artifact@", "actions/checkout@")
def test_the_job_that_may_write_neither_checks_out_nor_runs_code(workflow: Workflow) -> None:
    download, post = workflow.jobs["comment"]["steps"]
    assert download["uses"].startswith("actions/download-artifact@")
    assert set(post) == {"run", "env"}
    assert post["run"] == (
        'gh pr comment "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" '
        '--edit-last --create-if-none --body-file "$RUNNER_TEMP/preview/diff.md"'
    )


@broken_by(f"&& {OF_THIS_REPOSITORY}", "")
@broken_by(f"&& {OF_THIS_REPOSITORY}", f"|| {OF_THIS_REPOSITORY}")
def test_only_a_pull_request_of_this_repository_gets_a_comment(workflow: Workflow) -> None:
    condition = " ".join(workflow.jobs["comment"]["if"].split())
    assert condition.endswith(f" && {OF_THIS_REPOSITORY} }}}}")
    assert "||" not in condition


@broken_by("persist-credentials: false", "persist-credentials: true")
def test_no_checkout_leaves_a_token_behind(workflow: Workflow) -> None:
    assert [step["with"]["persist-credentials"] for step in workflow.uses("actions/checkout")] == ["false", "false"]


@broken_by("BASE=HEAD^1", "BASE=${{ github.base_ref }}")
def test_no_script_has_anything_of_the_event_pasted_into_it(workflow: Workflow) -> None:
    scripts = [script for job in workflow.jobs for script in workflow.scripts(job)]
    assert len(scripts) > 2
    assert [script for script in scripts if "${{" in script] == []


@broken_by("make test", "pytest")
@broken_by("make preview-diff", "make other-diff")
def test_what_is_tested_and_previewed_are_targets_that_anybody_can_make(workflow: Workflow) -> None:
    assert workflow.scripts("test") == ["make test"]
    preview, show = workflow.scripts("preview")
    assert preview == 'make preview-diff BASE=HEAD^1 OUT="$RUNNER_TEMP/preview"'
    assert show == 'cat "$RUNNER_TEMP/preview/diff.md" >> "$GITHUB_STEP_SUMMARY"'
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"test", "preview-diff"} <= set(targets)


@broken_by("fetch-depth: 2", "fetch-depth: 1")
@broken_by("fetch-depth: 2", "fetch-depth: 2\n          ref: main")
def test_what_is_previewed_is_a_pull_requests_merge_and_its_first_parent(workflow: Workflow) -> None:
    assert workflow.jobs["preview"]["if"] == "${{ github.event_name == 'pull_request' }}"
    (checkout,) = workflow.uses("actions/checkout", job="preview")
    assert checkout["with"] == {"fetch-depth": "2", "persist-credentials": "false"}


@broken_by("timeout-minutes: 5", "timeout-minutes: 500")
def test_every_job_ends_some_time_and_a_newer_push_ends_the_older_runs(workflow: Workflow) -> None:
    assert all(int(job["timeout-minutes"]) <= 90 for job in workflow.jobs.values())
    assert workflow.document["concurrency"] == {
        "group": "ci-${{ github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


@broken_by("~/.cache/private-chatgpt/toolchain", "~/.cache/toolchain")
@broken_by("toolchain/modules/**", "toolchain/modules/*.mod")
def test_the_cache_is_where_the_toolchain_is_and_changes_with_it(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOOLCHAIN_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    saved, restored = [step["with"] for name in ("", "/restore") for step in workflow.uses(f"actions/cache{name}")]
    assert saved == restored
    assert Path(saved["path"]).expanduser() == Store.of_user().root
    assert "hashFiles('toolchain/programs.toml', 'toolchain/modules/**')" in saved["key"]


@broken_by("actions/cache/restore@", "actions/cache@")
def test_only_the_job_that_installs_every_program_saves_the_toolchain(workflow: Workflow) -> None:
    assert {name: len(workflow.uses("actions/cache", job=name)) for name in ("test", "preview")} == {
        "test": 1,
        "preview": 0,
    }


@broken_by('go-version: "1.26"', 'go-version: "1.25"')
def test_go_is_new_enough_for_every_module_of_the_toolchain(workflow: Workflow) -> None:
    mods = [path.read_text() for path in (PROJECT / "toolchain" / "modules").glob("*/go.mod")]
    needed = max(re.findall(r"^go (\d+)\.(\d+)", "\n".join(mods), flags=re.MULTILINE), key=numbers)
    for step in workflow.uses("actions/setup-go"):
        assert numbers(step["with"]["go-version"].split(".")) >= numbers(needed)
    assert len(workflow.uses("actions/setup-go")) == 2


def numbers(version: tuple[str, ...] | list[str]) -> list[int]:
    return [int(part) for part in version]


@pytest.mark.parametrize(("promise", "now", "then"), BREAKS)
def test_a_workflow_that_breaks_a_promise_is_noticed(
    promise: Promise, now: str, then: str, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert now in workflow.text
    broken = Workflow(workflow.text.replace(now, then))
    more = [monkeypatch] if "monkeypatch" in promise.__annotations__ else []
    promise(workflow, *more)
    with pytest.raises((AssertionError, ValueError)):
        promise(broken, *more)


@pytest.fixture
def make(tmp_path: Path) -> Path:
    """A stand-in `make`: what it is called with, where, and whether it can read go into `make.log` beside it."""
    program = tmp_path / "make"
    program.write_text('#!/bin/sh\n{ echo "$*"; pwd; cat; echo "read: $?"; } > "$0.log"\nexit "${MAKE_EXIT:-0}"\n')
    program.chmod(0o755)
    return program


def run_ci(make: Path, **environment: str) -> int:
    """The exit code of `.ci/run`, started elsewhere, with the stand-in first on PATH and its stdin closed."""
    environment |= {"PATH": f"{make.parent}:{os.environ['PATH']}"}
    command = ["/bin/sh", "-c", 'exec "$0" <&-', str(CI_RUN)]
    return subprocess.run(command, cwd=make.parent, env=environment, timeout=10, check=False).returncode


def test_ci_run_makes_the_tests_in_the_project_with_nothing_to_read(make: Path) -> None:
    assert run_ci(make) == 0
    assert make.with_name("make.log").read_text() == f"test\n{PROJECT}\nread: 0\n"


def test_ci_run_fails_as_the_tests_fail(make: Path) -> None:
    assert run_ci(make, MAKE_EXIT="2") == 2


def test_ci_run_does_nothing_besides() -> None:
    lines = [line for line in CI_RUN.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test </dev/null"]
