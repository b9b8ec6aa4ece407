"""`make preview-diff`: what the changes since a commit do to every stack, as text that fits a pull request's comment.

Runs `make preview-stacks` in a worktree of that commit and in this checkout, and writes how the two differ:
`stacks.diff` holds all of it, `diff.md` a summary and as much of it as a comment may hold.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMENT_LIMIT = 65_536
"""What a GitHub comment may hold, in characters; counted in bytes here, of which there are never fewer."""
OUT = Path(".local/preview-diff")


class CompareError(RuntimeError):
    """The two can't be compared: git is missing or failed, or there is no such commit."""


@dataclass(frozen=True)
class Comparison:
    """How the stacks' previews of two states of the project differ."""

    base: str
    head: str
    """Both as commits' short names; `-dirty` behind the head's if the checkout holds changes that aren't committed."""
    stacks: dict[str, str]
    """What became of each stack, in words."""
    diff: str
    """`git diff` of both previews, empty if they are the same."""
    base_exit: int
    head_exit: int
    """Exit codes of `make preview-stacks`."""


def main() -> int:
    """Write both files; returns 0, 1 if a stack of this checkout can't be previewed, 2 if nothing can be compared."""
    parser = argparse.ArgumentParser(prog="make preview-diff", description=__doc__)
    parser.add_argument("--base", required=True, help="the commit to compare this checkout with")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of both files (default: %(default)s)")
    parser.add_argument("--charts", default="", help="passed on to `make preview-stacks`")
    options = parser.parse_args()
    if not options.base:
        parser.error("which commit? For example: make preview-diff BASE=origin/main")
    out = options.out.absolute()
    try:
        found = compare(Path(__file__).resolve().parents[1], options.base, options.charts)
    except CompareError as error:
        print(error, file=sys.stderr)
        return 2
    out.mkdir(parents=True, exist_ok=True)
    (out / "stacks.diff").write_text(found.diff, encoding="utf-8")
    (out / "diff.md").write_text(comment(found), encoding="utf-8")
    print(f"{summary(found)}\n\n{out}/diff.md, {out}/stacks.diff")
    return int(found.head_exit != 0)


def compare(project: Path, base: str, charts: str = "") -> Comparison:
    """Previews of `base` and of the project as it is, compared; raises CompareError.

    A stack that has no preview at the base, or a base that has no `make preview-stacks`, is compared with nothing.
    """
    missing = f"There is no commit {base!r} in this clone; `git fetch` it, or name another one."
    commit = _git(project, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}", failure=missing)
    with tempfile.TemporaryDirectory(prefix="preview-diff-") as scratch:
        before, after = Path(scratch, "base"), Path(scratch, "head")
        with _worktree(project, commit, Path(scratch, "worktree")) as checkout:
            base_exit = _preview(checkout, before, charts)
        head_exit = _preview(project, after, charts)
        return Comparison(
            base=_git(project, "rev-parse", "--short", commit),
            head=_git(project, "describe", "--always", "--dirty", "--exclude=*"),
            stacks=_states(before, after, bool(base_exit), bool(head_exit)),
            diff=_diff(before, after),
            base_exit=base_exit,
            head_exit=head_exit,
        )


def summary(found: Comparison) -> str:
    """One line per stack, and one for each preview that failed."""
    lines = [f"- `{stack}`: {state}" for stack, state in found.stacks.items()]
    if found.base_exit:
        lines.append(
            f"- `make preview-stacks` failed at `{found.base}` (exit code {found.base_exit}), or isn't there yet: "
            "a stack without a preview there is compared with nothing."
        )
    if found.head_exit:
        lines.append(
            f"- **`make preview-stacks` failed at `{found.head}`** (exit code {found.head_exit}); its log says why. "
            "What the diff takes away may only be missing for that."
        )
    return "\n".join(lines) or "- No stack in either."


def comment(found: Comparison, limit: int = COMMENT_LIMIT) -> str:
    """Markdown of at most `limit` bytes: the summary, and the diff in a fence that nothing in it can close."""
    head = f"### What this changes in every stack\n\nFrom `{found.base}` to `{found.head}`:\n\n{summary(found)}\n"
    if not found.diff:
        return _whole_lines(head, limit)
    # A fence ends at the first run of backticks that is as long as the one that began it.
    longest = max((len(run) for run in re.findall("`+", found.diff)), default=0)
    fence = "`" * max(3, longest + 1)
    opening, closing = f"\n{fence}diff\n", f"{fence}\n"
    room = limit - len(f"{head}{opening}{closing}".encode())
    if len(found.diff.encode()) <= room:
        return f"{head}{opening}{found.diff}{closing}"
    note = f"\nCut short, as a comment can't hold all of it. The rest: `make preview-diff BASE={found.base}`\n"
    shown = _whole_lines(found.diff, room - len(note.encode()))
    return f"{head}{opening}{shown}{closing}{note}" if shown else _whole_lines(f"{head}{note}", limit)


def _whole_lines(text: str, size: int) -> str:
    """The first lines of a text, as many as `size` bytes hold."""
    kept = text.encode()[: max(0, size)]
    return kept[: kept.rfind(b"\n") + 1].decode()


def _preview(checkout: Path, out: Path, charts: str) -> int:
    """Writes the previews of a checkout to `out`; the exit code of make, whose output goes to the screen."""
    out.mkdir()
    print(f"make preview-stacks in {checkout}", flush=True)
    # A make that this runs under hands its own OUT and job server on by these.
    inherited = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    command = ["make", "preview-stacks", f"OUT={out}", *([f"CHARTS={charts}"] if charts else [])]
    return subprocess.run(command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def _states(before: Path, after: Path, base_failed: bool, head_failed: bool) -> dict[str, str]:
    old, new = _contents(before), _contents(after)
    gone = "no preview" if head_failed else "removed"
    come = "no preview to compare with" if base_failed else "added"
    states = {stack: "unchanged" if old[stack] == new[stack] else "changed" for stack in old.keys() & new.keys()}
    states |= dict.fromkeys(old.keys() - new.keys(), gone) | dict.fromkeys(new.keys() - old.keys(), come)
    return dict(sorted(states.items()))


def _contents(folder: Path) -> dict[str, bytes]:
    """Every stack's preview. Stacks are named as Pulumi allows it: any other file stays out of the comment's text."""
    files = [path for path in folder.glob("*.yaml") if re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", path.stem)]
    return {path.stem: path.read_bytes() for path in files}


def _diff(before: Path, after: Path) -> str:
    """`git diff` of two folders that lie side by side, without any of the user's own settings for it."""
    options = ["--no-index", "--no-prefix", "--no-color", "--no-ext-diff", "--no-textconv", "--text"]
    command = ["git", "diff", *options, before.name, after.name]
    done = subprocess.run(command, cwd=before.parent, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode not in (0, 1):
        raise CompareError(f"git diff failed: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def _worktree(project: Path, commit: str, folder: Path) -> Iterator[Path]:
    """The project as it was at a commit, in a checkout of its own that git forgets afterwards."""
    _git(project, "worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        _git(project, "worktree", "remove", "--force", str(folder))


def _git(project: Path, *arguments: str, failure: str | None = None) -> str:
    """What git prints; raises CompareError, with `failure` instead of git's own words if it is given."""
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CompareError("git is not on PATH") from error
    if done.returncode:
        raise CompareError(failure or f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
