"""Puts a backup into a stack: the keys through the engine, then the data through the Job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubernetes import client

from components.loading import Settings
from components.ownership import marks_of
from ops.backing_up import keys, tools
from ops.backing_up.engine import Content, Engine, EngineError
from ops.backing_up.keys import Owner
from ops.backing_up.living import (
    DATABASE,
    Database,
    NotRunningError,
    NotThereError,
    image_of_chat,
    restart_chat,
    running_database,
)
from ops.backing_up.manifest import ARCHIVE, Manifest
from ops.backing_up.streaming import CHUNK
from ops.backing_up.versions import Difference, differences
from ops.backing_up.worker import worker

WAIT = 300
"""Seconds for the database to be ready after its Secret has changed; the engine has waited before."""
Progress = Callable[[int], None]


class NotRestoredError(RuntimeError):
    """The data isn't in place; the message says why."""


@dataclass(frozen=True)
class KeyPlan:
    """What becomes of the stack's keys."""

    target: Content
    """The state as it is, in plain text."""
    backup: Content
    """The backup's keys, in plain text."""

    def __repr__(self) -> str:
        return "KeyPlan(***)"

    @property
    def added(self) -> list[str]:
        """Keys that the stack does not have yet."""
        return sorted(keys.values(self.backup).keys() - keys.values(self.target).keys())

    @property
    def changed(self) -> list[str]:
        """Keys that have another value in the stack."""
        present = keys.values(self.target)
        return sorted(name for name, value in keys.values(self.backup).items() if present.get(name, value) != value)

    def put(self, engine: Engine, settings: Settings, manifest: Manifest, begin: Callable[[], None]) -> None:
        """Put them into the stack's state; `begin` is told before anything is written.

        Raises EngineError, also where the state is no longer the one that was planned on: what a deployment made
        meanwhile would be gone from it.
        """
        if engine.export(plain=True).get("deployment") != self.target.get("deployment"):
            raise EngineError("the stack changed meanwhile: once that deployment has ended, run the same command again")
        begin()
        platform = settings.platform
        owner, source = Owner(platform.stack, platform.project), Owner(manifest.stack, manifest.project)
        rotation = {str(key): number for key, number in settings.chat.rotation.items()}
        engine.replace(keys.with_keys(self.target, owner, self.backup, source, rotation))


def look(api: client.ApiClient, settings: Settings) -> tools.Standing | None:
    """What the database holds; None where there is none. Raises NotRunningError, WorkerError, ToolError, ..."""
    namespace = settings.chat.namespace
    try:
        database = running_database(api, namespace)
    except NotThereError:
        return None
    marks = marks_of(settings.platform, settings.chat.labels)
    name = f"{DATABASE}-look-{datetime.now(UTC):%Y%m%d%H%M%S}"
    with worker(api, namespace, name, database, marks) as container:
        return tools.tell(container, "look")


def images_of(api: client.ApiClient, namespace: str, database: Database) -> dict[str, str]:
    """What runs, as the manifest names it."""
    return {"librechat": image_of_chat(api, namespace) or "", "mongodb": database.image}


def put_data(
    api: client.ApiClient,
    settings: Settings,
    folder: Path,
    manifest: Manifest,
    progress: Progress,
    may_go_in: Callable[[tools.Standing, list[Difference]], str | None],
) -> tools.Standing:
    """The archive into the database; what it holds then. `may_go_in` says why not, seeing what is there.

    Raises NotRestoredError, NotRunningError, WorkerError, ToolError, BrokenStreamError, ApiException, OSError.
    """
    namespace = settings.chat.namespace
    database = _ready(api, namespace)
    marks = marks_of(settings.platform, settings.chat.labels)
    wanted = manifest.files[ARCHIVE]
    with worker(api, namespace, f"{DATABASE}-restore", database, marks) as container:
        different = differences(manifest.images, images_of(api, namespace, database))
        if reason := may_go_in(tools.tell(container, "look"), different):
            raise NotRestoredError(reason)
        tools.tell(container, "begin", wanted.sha256)
        counts = tools.restore(container, wanted.bytes, _chunks(folder / ARCHIVE, progress))
        if counts != manifest.documents:
            raise NotRestoredError(f"mongorestore put in {counts}; the backup holds {manifest.documents}")
        standing = tools.tell(container, "end")
    restart_chat(api, namespace)
    return standing


def _ready(api: client.ApiClient, namespace: str) -> Database:
    until = time.monotonic() + WAIT
    while True:
        try:
            return running_database(api, namespace)
        except NotRunningError:
            if time.monotonic() > until:
                raise
        time.sleep(1)


def _chunks(file: Path, progress: Progress) -> Iterator[bytes]:
    sent = 0
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
            sent += len(chunk)
            progress(sent)
