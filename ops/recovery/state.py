"""The engine's own record of the stack: what it had begun when it was killed, and what of that is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError, PulumiCommand

from ops.environment import NO_PULUMI, loopback_without_proxy
from ops.recovery.checkpoint import broken_state
from ops.recovery.notes import broken_notes, told
from ops.recovery.place import Place
from ops.recovery.records import ReleaseName
from ops.recovery.releases import MendingError
from ops.tokens import RELEASE

Resource = Mapping[str, Any]
IsThere = Callable[[Resource], bool]
"""Whether the object that the engine was about to create is there."""


@dataclass(frozen=True)
class Operation:
    """Something that the engine had begun and not ended."""

    what: str
    """`creating`, `updating`, `deleting` or `reading`."""
    resource: Resource

    @property
    def name(self) -> str:
        """Type and name of the resource."""
        urn = str(self.resource["urn"])
        return f"{urn.split('::')[2].rpartition('$')[2]} {urn.split('::', 3)[3]}"


@dataclass(frozen=True)
class State:
    """The stack's state as `pulumi stack export` writes it: what is secret in it stays encrypted."""

    content: Mapping[str, Any]

    @property
    def operations(self) -> list[Operation]:
        """What had begun."""
        found = self._deployment.get("pending_operations") or ()
        return [Operation(item["type"], item["resource"]) for item in found]

    @property
    def releases(self) -> dict[ReleaseName, str]:
        """The releases that the engine knows, or was about to make, and their URNs."""
        known = [*self.resources, *(item.resource for item in self.operations)]
        found = [item for item in known if item["type"] == RELEASE]
        return {ReleaseName(item["inputs"]["name"], item["inputs"]["namespace"]): item["urn"] for item in found}

    def known_revision(self, release: ReleaseName, *, older: bool = False) -> int | None:
        """Helm's revision that the engine noted last, where it had begun to change the release; None elsewhere.

        Of a state that is `older` than what is there, the one of any release: the engine may have changed it since.
        """
        urn = self.releases.get(release)
        begun = any(item.what == "updating" and item.resource["urn"] == urn for item in self.operations)
        if not begun and not older:
            return None
        noted = next((item for item in self.resources if item["urn"] == urn), {})
        revision = ((noted.get("outputs") or {}).get("status") or {}).get("revision")
        return int(revision) if isinstance(revision, int | float) else None

    @property
    def resources(self) -> Sequence[Resource]:
        """What there is, as far as the engine knows."""
        return self._deployment.get("resources") or ()

    @property
    def urns(self) -> set[str]:
        """The names of what there is."""
        return {item["urn"] for item in self.resources}

    @property
    def _deployment(self) -> Mapping[str, Any]:
        deployment: Mapping[str, Any] = self.content.get("deployment") or {}
        return deployment

    def settled(self, is_there: IsThere) -> tuple[State, list[str]]:
        """The state without anything begun, and the URNs of what was created without the engine having noted it.

        Those are added, with what was to be created as what is there: a refresh has to read them.
        """
        added = [
            {**item.resource, "id": object_id(item.resource), "outputs": item.resource.get("inputs", {})}
            for item in self.operations
            if item.what == "creating" and item.resource["urn"] not in self.urns and is_there(item.resource)
        ]
        deployment = {**self._deployment, "resources": [*self.resources, *added]}
        deployment.pop("pending_operations", None)
        return State({**self.content, "deployment": deployment}), [item["urn"] for item in added]


def object_id(resource: Resource) -> str:
    """The id that the provider gives to an object or release: `namespace/name`, or the name alone."""
    inputs = resource["inputs"]
    place = inputs if resource["type"] == RELEASE else inputs["metadata"]
    return "/".join(filter(None, [place.get("namespace"), place["name"]]))


@dataclass(frozen=True)
class Engine:
    """The Pulumi CLI, by way of the Automation API's own runner.

    Not its Stack: that selects the stack for whoever works in the folder next, decrypts every secret at an export, and
    writes them into a temporary file in plain text at an import (pulumi 3.272, `_local_workspace.py`).
    """

    place: Place

    def export(self) -> State:
        """The stack's state; raises MendingError where it can't be had."""
        broken, notes = broken_state(self.place), broken_notes(self.place)
        if broken or notes:
            text = broken.text if broken else told(notes)
            raise MendingError(f"{text}\n  To mend it: make recover STACK={self.place.stack}")
        return State(json.loads(self._run("stack", "export")))

    def replace(self, state: State) -> None:
        """Put `state` in the place of what there is; raises MendingError."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "state.json"
            file.write_text(json.dumps(state.content), encoding="utf-8")
            self._run("stack", "import", "--file", str(file))

    def unlock(self) -> None:
        """Take every lock off the stack; raises MendingError."""
        self._run("cancel", "--yes")

    def refresh(self, urns: Sequence[str]) -> None:
        """Read these resources anew from the cluster; raises MendingError."""
        targets = [word for urn in urns for word in ("--target", urn)]
        self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", *targets)

    def _run(self, *arguments: str) -> str:
        try:
            runner = PulumiCommand(skip_version_check=True)
            environment = {**self.place.environment, **loopback_without_proxy(self.place.environment)}
            done = runner.run([*arguments, "--stack", self.place.stack], str(self.place.project_dir), environment)
        except FileNotFoundError as error:
            raise MendingError(NO_PULUMI) from error
        except CommandError as error:
            raise MendingError(f"pulumi {' '.join(arguments[:2])} failed:\n{error}") from error
        return done.stdout
