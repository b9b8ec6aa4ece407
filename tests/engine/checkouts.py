"""A checkout of this working tree in which the make targets run as a user runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.loading import PROJECT_DIR
from toolchain.store import Store

VIRTUALENVS = (".venv", ".venv-tools")


@dataclass(frozen=True)
class Checkout:
    """A clean git checkout, and a user whose home and kubeconfig are of no concern to it."""

    folder: Path
    home: Path

    @property
    def kubeconfig(self) -> Path:
        """The user's own."""
        return self.home / ".kube" / "config"

    def make(
        self, *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `make`, with these variables changed in the environment, or taken from it where they are None."""
        variables = {**self.environment(), **(environment or {})}
        return run(
            ["make", *arguments], self.folder, {key: text for key, text in variables.items() if text is not None}
        )

    def environment(self) -> dict[str, str]:
        """Of a user with a cluster of their own, behind a proxy that reaches no chart repository."""
        toolchain = Store.of_user().root
        kept = {
            key: text for key, text in os.environ.items() if not key.startswith(("PULUMI_", "KUBE", "GIT_", "MAKE"))
        }
        path = [folder for folder in kept["PATH"].split(os.pathsep) if not Path(folder).is_relative_to(toolchain)]
        return kept | {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "TOOLCHAIN_DIR": str(toolchain),
            "https_proxy": "http://127.0.0.1:9",
        }

    def changed_files(self) -> str:
        """What `git status` says of tracked and untracked files."""
        return git(self.folder, "status", "--porcelain")

    def restore(self) -> None:
        """Undo every change to tracked files."""
        git(self.folder, "checkout", "--quiet", ".")

    def processes(self) -> list[str]:
        """Command lines of running processes that name this checkout."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # It has ended meanwhile.
        return [line for line in found if str(self.folder) in line]


def check_out(folder: Path, home: Path, kubeconfig: str) -> Checkout:
    """The working tree as it is, uncommitted files included, with the virtualenvs of the repo."""
    listed = git(PROJECT_DIR, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        source, copy = PROJECT_DIR / name, folder / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    for name in VIRTUALENVS:
        (folder / name).mkdir()
        for entry in (PROJECT_DIR / name).iterdir():
            (folder / name / entry.name).symlink_to(entry)
        # Younger than the requirements, so that make takes the virtualenv as it is.
        (folder / name / ".installed").unlink(missing_ok=True)
        (folder / name / ".installed").touch()
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The working tree")
    checkout = Checkout(folder, home)
    checkout.kubeconfig.parent.mkdir(parents=True)
    checkout.kubeconfig.write_text(kubeconfig)
    return checkout


def git(folder: Path, *arguments: str) -> str:
    """What git prints, with nobody's configuration and identity."""
    identity = {f"GIT_{role}_{key}": "nobody" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    kept = {key: text for key, text in os.environ.items() if not key.startswith("GIT_")}
    done = run(["git", *arguments], folder, kept | identity | {"GIT_CONFIG_GLOBAL": os.devnull})
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(line: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, at most two minutes, with nothing on stdin."""
    return subprocess.run(
        line,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
