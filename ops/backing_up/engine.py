"""The stack's state, with secrets in plain text, by pipes alone.

Not by the Automation API: its import writes the state into a temporary file, and its config commands put values into
an argument list (pulumi 3.272, `_local_workspace.py`).
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ops.environment import NO_PULUMI
from ops.recovery.place import Place

Content = Mapping[str, Any]
"""What `pulumi stack export` writes."""
PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


class EngineError(RuntimeError):
    """Pulumi fails; the message is what it printed."""


@dataclass(frozen=True)
class Engine:
    """One stack; every method raises EngineError."""

    place: Place

    def export(self, *, plain: bool = False) -> Content:
        """The state: secrets encrypted, or in plain text."""
        content: Content = json.loads(self._run("stack", "export", *(["--show-secrets"] if plain else [])))
        return content

    def replace(self, content: Content) -> None:
        """Put a state in the place of what there is; what is in plain text is encrypted by the stack's provider."""
        if not (content.get("deployment") or {}).get("secrets_providers"):
            raise EngineError(f"stack {self.place.stack} has no secrets provider, so nothing secret can be put into it")
        self._run("stack", "import", input=json.dumps(content))

    def init(self) -> None:
        """Make the stack, selected by nobody."""
        self._run("stack", "init", "--no-select")

    def _run(self, *arguments: str, input: str | None = None) -> str:
        line = ["pulumi", *arguments, "--stack", self.place.stack, "--non-interactive"]
        try:
            done = subprocess.run(
                line,
                cwd=self.place.project_dir,
                env={**self.place.environment, "PULUMI_SKIP_UPDATE_CHECK": "true"},
                input=input,
                stdin=None if input is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise EngineError(NO_PULUMI) from error
        if done.returncode:
            printed = [line for line in done.stderr.splitlines() if line.strip()]
            raise EngineError("\n".join(printed[-6:]).removeprefix("error: "))
        return done.stdout


def in_plain(content: Content, place: Place, passphrase_file: Path | None = None) -> Content:
    """A state with its secrets in plain text, decrypted by the provider that it names; raises EngineError.

    `place` is where it is from, by stack and project. `passphrase_file` holds the passphrase that the state was
    encrypted with, where that is not the caller's present one.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "Pulumi.yaml").write_text(f"name: {place.project}\nruntime: python\n", encoding="utf-8")
        (home / "state").mkdir()
        environment = {**place.environment, "PULUMI_BACKEND_URL": f"file://{home / 'state'}"}
        own = {key: value for key, value in environment.items() if key not in PASSPHRASE}
        if passphrase_file is not None:
            environment = {**own, PASSPHRASE[1]: str(passphrase_file.resolve())}
        elif not any(environment.get(key) for key in PASSPHRASE):
            # Only for the empty scratch stack: a key service decrypts what is put into it.
            environment = {**own, PASSPHRASE[0]: secrets.token_hex(16)}
        scratch = Engine(replace(place, project_dir=home, environment=environment))
        scratch.init()
        scratch.replace(content)
        return scratch.export(plain=True)
