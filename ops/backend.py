"""A stack as Pulumi's backend knows it, through the Automation API: its history, its releases, a run of the program.

The backend, its login and the secrets provider are those of the caller's environment, as for `pulumi` itself.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pulumi import automation

from ops import tokens
from ops.environment import loopback_without_proxy

PAGE = 100
"""Updates that the backend is asked for at once; without a number the CLI gives ten (3.250, measured 2026-11)."""
LIMIT = 500
"""Updates that are looked at: far more than helm keeps revisions."""
T = TypeVar("T")
CHANGING = ("create", "update", "replace", "delete", "create-replacement", "delete-replaced")


class BackendError(RuntimeError):
    """The backend or the Pulumi CLI does not answer, or the run failed; the message says why."""


@dataclass(frozen=True)
class Update:
    """One entry of a stack's history."""

    kind: str
    """`update`, `refresh`, `destroy`, `import`, `rename`."""
    result: str
    """`succeeded`, `failed` or `in-progress`."""
    start: datetime
    end: datetime | None
    message: str
    commit: str
    """Of the checkout that it ran in; empty where that was no git repository."""
    dirty: bool
    """Whether the checkout held changes that were in no commit."""
    author: str
    """Who made that commit. A backend without accounts knows nobody else."""
    ci: str
    """The CI run, as its system, number and address; empty for a run by hand."""
    changes: Mapping[str, int]
    """Operation → how many resources."""

    @property
    def changed(self) -> int:
        """How many resources it changed."""
        return sum(self.changes.get(operation, 0) for operation in CHANGING)

    @property
    def who(self) -> str:
        """The CI run, else the author of the commit, as far as the backend knows."""
        return self.ci or (f"commit by {self.author}" if self.author else "")

    @staticmethod
    def of(summary: automation.UpdateSummary) -> Update:
        """The entry as the Automation API hands it over; its times are UTC, but do not say so."""
        environment = summary.environment
        system = (environment.get("ci.system"), environment.get("ci.build.number") or environment.get("ci.build.id"))
        author = (environment.get("git.author"), environment.get("git.author.email"))
        return Update(
            kind=summary.kind,
            result=summary.result,
            start=summary.start_time.replace(tzinfo=UTC),
            end=summary.end_time.replace(tzinfo=UTC) if summary.end_time else None,
            message=summary.message,
            commit=environment.get("git.head", ""),
            dirty=environment.get("git.dirty") == "true",
            author=next(filter(None, author), ""),
            ci=" ".join(filter(None, (*system, environment.get("ci.build.url")))),
            changes={str(key): number for key, number in (summary.resource_changes or {}).items()},
        )


@dataclass(frozen=True)
class DeployedRelease:
    """A Helm release in the stack's state."""

    urn: str
    name: str
    namespace: str
    below: tuple[str, ...] = ()
    """URNs of its children, and of the quota that is sized for it."""


@dataclass(frozen=True)
class Backend:
    """One stack. Nothing of the caller's is changed: not the stack that is selected either."""

    stack: str
    project_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is set for Pulumi over the caller's own environment."""

    def history(self, limit: int = LIMIT) -> list[Update]:
        """The stack's latest updates, newest first, `limit` at most; raises BackendError."""
        found: list[Update] = []
        while len(found) < limit:
            page = self._page(len(found) // PAGE + 1)
            found += page
            if len(page) < PAGE:
                break
        return found[:limit]

    def _page(self, number: int) -> list[Update]:
        # Without secrets: it would have to decrypt the config of every update, and nobody reads that here.
        summaries = self._ask(lambda stack: stack.history(page_size=PAGE, page=number, show_secrets=False))
        return [Update.of(summary) for summary in summaries]

    def resources(self) -> list[Mapping[str, Any]]:
        """What is in the stack's state, in the order in which it was made; raises BackendError.

        What is secret stays encrypted, so it takes neither passphrase nor key.
        """
        return self._ask(_exported)

    def releases(self) -> list[DeployedRelease]:
        """The releases in the stack's state, in the order in which they were made; raises BackendError."""
        return releases_in(self.resources())

    def objects(self) -> dict[tuple[str, str], str]:
        """URNs of the Kubernetes objects in the stack's state, by namespace and `Kind/name`; raises BackendError.

        The namespace of an object that is in none is empty.
        """
        found: dict[tuple[str, str], str] = {}
        for item in self.resources():
            metadata = (item.get("inputs") or {}).get("metadata")
            if isinstance(metadata, Mapping) and not item.get("delete"):
                kind = item["type"].rpartition(":")[2]
                found[metadata.get("namespace", ""), f"{kind}/{metadata['name']}"] = item["urn"]
        return found

    def up(
        self,
        targets: Sequence[str],
        message: str,
        say: Callable[[str], None],
        environment: Mapping[str, str],
        *,
        refresh: bool = False,
    ) -> Update:
        """Run the program once for those resources only; returns what the history says of it.

        With `refresh` the engine first looks what they are like. `environment` is set for this run, `say` gets each
        line that the engine prints. Raises BackendError with what it printed last.
        """
        told = Backend(self.stack, self.project_dir, {**self.environment, **environment})

        def run(stack: automation.Stack) -> automation.UpResult:
            return stack.up(
                target=list(targets),
                refresh=refresh,
                message=message,
                on_output=say,
                on_error=say,
                color="never",
                show_secrets=False,
                suppress_outputs=True,
            )

        return Update.of(told._ask(run).summary)

    def refresh(self, targets: Sequence[str], message: str) -> None:
        """Let the engine look at those resources only, without a run of the program; raises BackendError."""
        self._ask(
            lambda stack: stack.refresh(
                target=list(targets), message=message, color="never", show_secrets=False, suppress_outputs=True
            )
        )

    def _variables(self) -> dict[str, str]:
        return {**self.environment, **loopback_without_proxy({**os.environ, **self.environment})}

    def _ask(self, question: Callable[[automation.Stack], T]) -> T:
        try:
            workspace = Workspace(work_dir=str(self.project_dir), env_vars=self._variables())
            return question(automation.Stack.select(self.stack, workspace))
        except automation.CommandError as error:
            raise BackendError(_last_words(str(error))) from error
        except automation.InvalidVersionError as error:
            raise BackendError(str(error)) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise BackendError(f"the Pulumi CLI can't be run ({error}); use the make targets") from error


class Workspace(automation.LocalWorkspace):
    """The project's folder, without making a stack the selected one of whoever runs a command."""

    def select_stack(self, stack_name: str) -> None:
        """Does nothing: every command names the stack, and the caller's own selection must stay as it is."""


def _exported(stack: automation.Stack) -> list[Mapping[str, Any]]:
    # Not `export_stack`, which asks for every secret in plain text (pulumi 3.272).
    workspace = stack.workspace
    line = ["stack", "export", "--stack", stack.name]
    done = workspace.pulumi_command.run(line, str(workspace.work_dir), workspace.env_vars)
    deployment = json.loads(done.stdout).get("deployment") or {}
    return list(deployment.get("resources") or ())


def releases_in(resources: Sequence[Mapping[str, Any]]) -> list[DeployedRelease]:
    """The releases among the resources of a state."""
    return [
        DeployedRelease(
            urn=item["urn"],
            name=item["inputs"]["name"],
            namespace=item["inputs"]["namespace"],
            below=tuple(other["urn"] for other in resources if _belongs(other, item)),
        )
        for item in resources
        if item["type"] == tokens.RELEASE and not item.get("delete")
    ]


def _belongs(other: Mapping[str, Any], release: Mapping[str, Any]) -> bool:
    beside = other["type"] == tokens.QUOTA and other.get("parent") == release.get("parent")
    return beside or other.get("parent") == release["urn"]


def user() -> str:
    """Who runs this program, and where, for the messages that a history keeps."""
    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (OSError, KeyError):  # A user without a name, as in many containers.
        return f"somebody@{platform.node()}"


def _last_words(printed: str) -> str:
    """What the CLI says of its failure: the text of its stderr, or the diagnostics at the end of its output."""
    _, _, errors = printed.partition("\n stderr: ")
    lines = [line for line in (errors.strip() or printed).splitlines() if line.strip()]
    return "\n".join(lines[-12:]).removeprefix("error: ")
