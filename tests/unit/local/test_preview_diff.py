from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.preview_diff import COMMENT_LIMIT, CompareError, Comparison, comment, compare, summary

PROJECT = Path(__file__).parents[3]
# Stands in for the real target: it copies what the commit holds, and fails where a file says so.
MAKEFILE = """.PHONY: preview-stacks
preview-stacks:
\tcp stacks/*.yaml "$(OUT)"
\tprintf '%s' "$(CHARTS)" > asked-for-charts
\t@if [ -e broken ]; then exit 3; fi
"""

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")


class Project:
    """A git repository with a Makefile of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stacks").mkdir(parents=True)
        (folder / ".gitignore").write_text("asked-for-charts\n")
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, **stacks: str) -> None:
        for stack, content in stacks.items():
            (self.folder / "stacks" / f"{stack}.yaml").write_text(content)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A commit")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def git_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the user's; and where a git hook runs these tests, git isn't led to the hook's repository."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Nobody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "nobody@example.test")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two commits' worth of a project: the first one is committed."""
    made = Project(tmp_path / "project")
    (made.folder / "Makefile").write_text(MAKEFILE)
    made.write(dev="replicas: 1\n", prod="replicas: 2\n", old="replicas: 3\n")
    made.commit()
    return made


def comparison(diff: str, **changes: object) -> Comparison:
    values = {"base": "1111111", "head": "2222222", "stacks": {"dev": "changed"}, "base_exit": 0, "head_exit": 0}
    return Comparison(**(values | {"diff": diff} | changes))  # type: ignore[arg-type]


def test_each_stack_is_named_with_what_became_of_it(project: Project) -> None:
    project.write(prod="replicas: 5\n", new="replicas: 4\n")
    (project.folder / "stacks" / "old.yaml").unlink()
    project.commit()
    found = compare(project.folder, "HEAD^")
    assert found.stacks == {"dev": "unchanged", "new": "added", "old": "removed", "prod": "changed"}
    assert "-replicas: 2\n+replicas: 5\n" in found.diff
    assert "dev.yaml" not in found.diff


def test_the_diff_is_of_the_checkout_as_it_is_and_says_when_that_is_not_committed(project: Project) -> None:
    assert compare(project.folder, "HEAD").head == project.git("rev-parse", "--short", "HEAD")
    project.write(dev="replicas: 7\n")
    found = compare(project.folder, "HEAD")
    assert "+replicas: 7\n" in found.diff
    assert found.head.endswith("-dirty")


def test_nothing_changed_is_an_empty_diff_and_a_comment_without_a_fence(project: Project) -> None:
    found = compare(project.folder, "HEAD")
    assert (found.diff, set(found.stacks.values())) == ("", {"unchanged"})
    assert "`dev`: unchanged" in comment(found)
    assert "```" not in comment(found)


def test_a_base_without_the_target_is_compared_with_nothing_and_says_so(project: Project) -> None:
    (project.folder / "Makefile").write_text("help:\n")
    project.commit()
    (project.folder / "Makefile").write_text(MAKEFILE)
    project.commit()
    found = compare(project.folder, "HEAD^")
    assert found.base_exit != 0
    assert found.head_exit == 0
    assert set(found.stacks.values()) == {"no preview to compare with"}
    assert "+replicas: 2\n" in found.diff
    assert f"failed at `{found.base}`" in summary(found)


def test_a_preview_that_fails_here_is_told_from_a_stack_that_is_gone(project: Project) -> None:
    (project.folder / "broken").touch()
    (project.folder / "stacks" / "old.yaml").unlink()
    found = compare(project.folder, "HEAD")
    assert (found.base_exit, found.head_exit) == (0, 2)
    assert found.stacks["old"] == "no preview"
    assert "**`make preview-stacks` failed" in summary(found)


def test_neither_a_worktree_nor_a_changed_file_is_left_behind(project: Project) -> None:
    compare(project.folder, "HEAD")
    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert project.git("status", "--porcelain") == ""


def test_no_worktree_is_left_behind_by_a_preview_that_is_interrupted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.preview_diff._preview", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(project.folder, "HEAD")
    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_commit_that_is_not_there_is_an_error_that_names_it(project: Project) -> None:
    with pytest.raises(CompareError, match="no commit 'nowhere'"):
        compare(project.folder, "nowhere")
    with pytest.raises(CompareError, match="no commit '--all'"):
        compare(project.folder, "--all")


def test_variables_of_the_make_that_it_runs_under_do_not_reach_the_previews(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", " -n -- CHARTS=theirs")
    assert set(compare(project.folder, "HEAD").stacks) == {"dev", "prod", "old"}
    assert (project.folder / "asked-for-charts").read_text() == ""
    compare(project.folder, "HEAD", charts="ours")
    assert (project.folder / "asked-for-charts").read_text() == "ours"


def test_the_users_own_settings_of_git_diff_do_not_change_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(dev="replicas: 7\n")
    plain = compare(project.folder, "HEAD").diff
    settings = project.folder.parent / "gitconfig"
    settings.write_text("[color]\nui = always\n[diff]\nexternal = false\nnoprefix = false\nmnemonicPrefix = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert compare(project.folder, "HEAD").diff == plain


def test_a_file_that_no_stack_can_be_named_after_stays_out_of_the_summary(project: Project) -> None:
    project.write(**{"@everyone <img>": "replicas: 1\n"})
    found = compare(project.folder, "HEAD")
    assert set(found.stacks) == {"dev", "prod", "old"}
    assert "everyone" in found.diff


@pytest.mark.parametrize("run", [3, 4, 17])
def test_backticks_in_the_diff_cannot_close_its_fence(run: int) -> None:
    text = comment(comparison(f" {'`' * run}\n <img src=x>\n+a `word`\n"))
    opened = re.search(r"^(`+)diff$", text, flags=re.MULTILINE)
    assert opened is not None
    fence = opened[1]
    # CommonMark: a fence is closed by a line of at least as many backticks, indented by three spaces at most.
    closing = [line for line in text.splitlines() if re.fullmatch(rf" {{0,3}}`{{{len(fence)},}}\s*", line)]
    assert closing == [fence]
    assert text.endswith(f"\n{fence}\n")


def test_a_diff_that_fits_is_in_the_comment_to_the_last_byte() -> None:
    around = len(comment(comparison("+\n")).encode()) - 2
    fits = "+" * (COMMENT_LIMIT - around - 1) + "\n"
    assert len(comment(comparison(fits)).encode()) == COMMENT_LIMIT
    assert fits in comment(comparison(fits))
    assert "Cut short" in comment(comparison(f"+{fits}"))


@pytest.mark.parametrize(
    "diff",
    ["+a line of text\n" * 10_000, "+ä€😀\n" * 20_000, "+" * 100_000 + "\n", f"+x\n+{'`' * 40_000}\n"],
    ids=["many lines", "many bytes to a character", "one line", "a fence of its own size"],
)
def test_a_diff_too_long_for_a_comment_is_cut_after_a_whole_line_and_says_how_to_see_the_rest(diff: str) -> None:
    text = comment(comparison(diff))
    assert len(text.encode()) <= COMMENT_LIMIT
    assert text.endswith("The rest: `make preview-diff BASE=1111111`\n")
    assert "`dev`: changed" in text
    lines = [line for line in text.splitlines() if line.startswith("+")]
    assert set(lines) <= set(diff.splitlines())
    assert len(re.findall(r"^```", text, flags=re.MULTILINE)) in (0, 2)


def test_more_stacks_than_a_comment_holds_are_cut_too() -> None:
    many = {f"stack-{number}": "changed" for number in range(10_000)}
    for diff in ("", "+a line\n"):
        assert COMMENT_LIMIT - 100 < len(comment(comparison(diff, stacks=many)).encode()) <= COMMENT_LIMIT


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.preview_diff", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_no_base_is_an_error_with_an_example() -> None:
    done = run_here("--base", "")
    assert done.returncode == 2
    assert "make preview-diff BASE=origin/main" in done.stderr


def test_nothing_is_written_where_nothing_can_be_compared(tmp_path: Path) -> None:
    done = run_here("--base", "nowhere", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_both_files_are_written_and_the_exit_code_tells_of_a_failed_preview(tmp_path: Path, project: Project) -> None:
    (project.folder / "local").mkdir()
    shutil.copy(PROJECT / "local" / "preview_diff.py", project.folder / "local")
    project.write(dev="replicas: 7\n")
    program = project.folder / "local" / "preview_diff.py"
    command = [sys.executable, str(program), "--base", "HEAD", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "+replicas: 7\n" in (tmp_path / "out" / "diff.md").read_text()
    assert (tmp_path / "out" / "stacks.diff").read_text().startswith("diff --git base/dev.yaml head/dev.yaml\n")
    (project.folder / "broken").touch()
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    assert "failed" in (tmp_path / "out" / "diff.md").read_text()
