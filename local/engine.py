"""The Pulumi CLI on a backend of its own: state, passphrase and plugins in one folder of ours, none of the user's."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components import stack_file
from components.loading import PROJECT_DIR
from ops.environment import NO_PULUMI, loopback_without_proxy

PROJECT = "private-chatgpt"


class EngineError(RuntimeError):
    """The Pulumi CLI is missing or failed; the message holds what it printed."""


@dataclass(frozen=True)
class Engine:
    """Runs stacks of `project_dir` against `kubeconfig`, with everything that Pulumi keeps below `directory`."""

    directory: Path
    kubeconfig: Path
    project_dir: Path = PROJECT_DIR

    @property
    def state_dir(self) -> Path:
        """The file backend: checkpoints and history of every stack."""
        return self.directory / "state"

    def forget(self) -> None:
        """Drop state, config copies, passphrase and plugins: everything but what else lives in `directory`."""
        for folder in (self.state_dir, self.directory / "pulumi-home", self.directory / "project"):
            shutil.rmtree(folder, ignore_errors=True)
        (self.directory / "passphrase").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # It holds something else, or isn't there.
            self.directory.rmdir()

    def environment(self) -> dict[str, str]:
        """The caller's environment, with Pulumi's and kubectl's own files led to `directory`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KUBE"))}
        return kept | {
            "PULUMI_HOME": str(self.directory / "pulumi-home"),
            "PULUMI_BACKEND_URL": f"file://{self.state_dir}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.directory / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "KUBECONFIG": str(self.kubeconfig),
            **loopback_without_proxy(os.environ),
        }

    def config_file(self, stack: str) -> Path:
        """The engine's own copy of the stack file; the one in the repo stays as it is."""
        return self.directory / "project" / f"Pulumi.{stack}.yaml"

    def prepare(self, stack: str, settings: Mapping[str, Any], source: Path | None = None) -> None:
        """Write the stack's config from `source` (default: the repo's stack file) and `settings` over it.

        Keys of `settings` are full config keys such as `kubernetes:context`. Encrypted values can't be read without
        the passphrase of their backend: placeholders of the right format stand in for them.
        """
        source = source or self.project_dir / f"Pulumi.{stack}.yaml"
        config, encrypted = stack_file.read(source)
        config |= settings
        for folder in (self.state_dir, self.directory / "pulumi-home", self.config_file(stack).parent):
            folder.mkdir(parents=True, exist_ok=True)
        passphrase = self.directory / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_hex(32))
        # `pulumi stack init` writes the salt of the passphrase beside the Pulumi.yaml that it finds: not the repo's.
        (self.config_file(stack).parent / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        known = self.config_file(stack)
        salt = yaml.safe_load(known.read_text()).get("encryptionsalt") if known.exists() else None
        content = {"config": config} | ({"encryptionsalt": salt} if salt else {})
        known.write_text(yaml.safe_dump(content, sort_keys=False))
        if not salt:
            self._in_copy("stack", "init", stack)
        for path in encrypted:
            self.set_secret(stack, ".".join(path), stack_file.placeholder(path[-1]))

    def set_secret(self, stack: str, path: str, value: str) -> None:
        """Encrypt `value` into this engine's stack file; `path` is a full config key such as `a:b.c`."""
        self._in_copy("config", "set", "--stack", stack, "--secret", "--path", path, input=value)

    def run(
        self, command: str, stack: str, *arguments: str, capture: bool = True, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `pulumi <command>` for the stack; without `capture` it prints as it goes, and the result holds no text.

        Raises EngineError with all that it printed where it fails and `check` is set.
        """
        line = ["pulumi", command, "--stack", stack, *arguments]
        if command in {"up", "preview", "destroy", "refresh"}:
            line += ["--config-file", str(self.config_file(stack))]
            line += ["--non-interactive"] if capture else []
        return self._pulumi(line, self.project_dir, capture=capture, check=check)

    def _in_copy(self, *arguments: str, input: str | None = None) -> None:
        self._pulumi(["pulumi", *arguments], self.directory / "project", input=input)

    def _pulumi(
        self, line: list[str], cwd: Path, *, capture: bool = True, check: bool = True, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        if shutil.which("pulumi") is None:
            raise EngineError(NO_PULUMI)
        done = subprocess.run(
            line,
            cwd=cwd,
            env=self.environment(),
            input=input,
            text=True,
            capture_output=capture,
            check=False,
        )
        if check and done.returncode:
            printed = f":\n{done.stdout}{done.stderr}" if capture else ""
            raise EngineError(f"{' '.join(line[:4])} failed with exit code {done.returncode}{printed}")
        return done
