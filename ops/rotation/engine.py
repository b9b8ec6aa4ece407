"""A deployed stack in Pulumi's Automation API: its state, the changes that wait, and the run that replaces a key."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import CommandError

from components.charts import LIBRECHAT
from components.keys import resource_name
from ops.backend import Workspace
from ops.environment import kubeconfig_for, loopback_without_proxy

__all__ = ["CommandError", "DeployedStack", "GeneratedKey"]
UNCHANGED = ("same", "read", "refresh")


@dataclass(frozen=True)
class GeneratedKey:
    """A key that the stack generates, as its state has it."""

    urn: str
    value: str
    protected: bool

    def __repr__(self) -> str:
        return f"GeneratedKey({self.urn}, ***)"


class DeployedStack:
    """One stack; every method raises CommandError with what Pulumi printed where Pulumi fails."""

    def __init__(self, stack: str, project_dir: Path, kubeconfig: Path | None = None) -> None:
        environment = {
            **loopback_without_proxy(os.environ),
            **kubeconfig_for(kubeconfig),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self._workspace = Workspace(work_dir=str(project_dir), env_vars=environment)
        self._stack = automation.Stack.select(stack, self._workspace)

    def state(self) -> Mapping[str, Any]:
        """The present checkpoint, secrets in plain text."""
        return self._stack.export_stack().deployment or {}

    def generated_key(self, key: str) -> GeneratedKey | None:
        """The key in the state; None where it isn't there: not deployed, or brought along by config."""
        name = resource_name(LIBRECHAT.name, key)
        for item in self.state().get("resources") or ():
            if item["urn"].endswith(f"::{name}") and not item.get("delete"):
                value = json.loads(item["outputs"]["result"]["plaintext"])
                return GeneratedKey(item["urn"], value, bool(item.get("protect")))
        return None

    def waiting(self) -> list[str]:
        """Resources that an `up` would change now, `<operation> <type> <name>`."""
        found: list[str] = []

        def heed(event: Any) -> None:
            planned = event.resource_pre_event
            if planned is not None and str(planned.metadata.op.value) not in UNCHANGED:
                _, _, kind, name = planned.metadata.urn.split("::", 3)
                found.append(f"{planned.metadata.op.value} {kind.rpartition('$')[2]} {name}")

        self._stack.preview(on_event=heed)
        return sorted(found)

    def count_up(self, setting: str, number: int) -> None:
        """Write a number into the stack file; the rest of it stays as it is."""
        self._stack.set_config(setting, automation.ConfigValue(str(number)), path=True)

    def unprotect(self, urn: str) -> None:
        """Let the next `up` replace this one resource; that `up` protects what takes its place."""
        line = ["state", "unprotect", urn, "--yes", "--stack", self._stack.name]
        self._workspace.pulumi_command.run(line, str(self._workspace.work_dir), self._workspace.env_vars)

    def up(self, message: str, on_output: Callable[[str], Any] | None = None) -> None:
        """Deploy."""
        self._stack.up(message=message, on_output=on_output, suppress_outputs=True, color="never")
