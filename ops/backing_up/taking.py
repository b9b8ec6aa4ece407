"""Takes a backup: the archive, the keys, and last the manifest. What fails leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubernetes import client

from components.charts import OLLAMA
from components.database_password import MONGODB_DATABASE
from components.existing import existing_secrets, own_keys
from components.loading import Settings
from components.ownership import marks_of
from ops import tokens
from ops.backing_up import keys, tools
from ops.backing_up.engine import Content
from ops.backing_up.living import DATABASE, image_of_chat, running_database
from ops.backing_up.manifest import ARCHIVE, KEYS, Manifest, Models, content_of
from ops.backing_up.manifest import Content as File
from ops.backing_up.receiving import Receiving
from ops.backing_up.worker import worker
from ops.preflight_checks.findings import CouldNotTellError
from ops.standing.models import read_models
from ops.standing.releases import standing

Progress = Callable[[int], None]
"""Gets how many bytes there are by now."""


class NotTakenError(RuntimeError):
    """There is no backup; the message says why."""


@dataclass(frozen=True)
class Taken:
    """A backup."""

    folder: Path
    manifest: Manifest
    notes: tuple[str, ...]
    """What whoever keeps it has to know."""


def take(api: client.ApiClient, settings: Settings, state: Content, folder: Path, progress: Progress) -> Taken:
    """Back up the stack into a folder that isn't there yet, or is empty.

    Raises NotTakenError, NotRunningError, WorkerError, ToolError, BrokenStreamError, ApiException, OSError.
    """
    namespace = settings.chat.namespace
    database = running_database(api, namespace)
    chat = image_of_chat(api, namespace)
    marks = marks_of(settings.platform, settings.chat.labels)
    with _emptied_if_it_fails(folder):
        made = datetime.now(UTC).replace(microsecond=0)
        name = f"{DATABASE}-backup-{made:%Y%m%d%H%M%S}"
        with worker(api, namespace, name, database, marks) as container, Receiving(folder / ARCHIVE) as received:

            def sink(data: bytes) -> None:
                received.write(data)
                progress(received.size)

            dumped = tools.dump(container, sink)
            archive = _whole(received, dumped)
        encrypted = folder / KEYS
        encrypted.touch(mode=0o600)
        encrypted.write_text(json.dumps(keys.kept(state), indent=1), encoding="utf-8")
        manifest = Manifest(
            project=settings.platform.project,
            stack=settings.platform.stack,
            made=made,
            images={"librechat": chat or "", "mongodb": database.image},
            charts=charts_in(state),
            database=MONGODB_DATABASE,
            documents=dumped.documents,
            models=_models(api, settings),
            generated=keys.names(state),
            supplied=keys.supplied(state, own_keys(settings.chat)),
            secrets_provider=keys.provider_of(state),
            files={ARCHIVE: archive, KEYS: content_of(encrypted)},
        )
        manifest.write(folder)
    others = sorted({secret.name for secret in existing_secrets(settings.chat)})
    return Taken(folder, manifest, notes_on(manifest, others))


def charts_in(state: Content) -> dict[str, str]:
    """Release → version of its chart, as the engine deployed it."""
    found = {}
    for item in keys.resources_of(state):
        if item["type"] == tokens.RELEASE and not item.get("delete"):
            status = (item.get("outputs") or {}).get("status") or {}
            found[str(item["inputs"]["name"])] = str(status.get("version") or item["inputs"].get("version") or "")
    return found


def notes_on(manifest: Manifest, others: Sequence[str]) -> tuple[str, ...]:
    """What is not in the backup, and who can read it; `others` are the Secrets that somebody else makes."""
    notes = [
        f"Its keys are encrypted by the stack's secrets provider ({manifest.secrets_provider}): without that "
        "passphrase or key nobody can restore them. The chats in it are NOT encrypted: keep it as you keep the "
        "database."
    ]
    if manifest.secrets_provider == "service":
        notes.append("Pulumi Cloud holds that key with this stack: keep the stack as long as the backup counts.")
    if manifest.supplied:
        notes.append(
            f"Not in it, since the stack file brings them along: {', '.join(manifest.supplied)}. Keep that file."
        )
    if others:
        what, comes = ("Secrets", "they come") if len(others) > 1 else ("Secret", "it comes")
        notes.append(f"Not in it: {what} {', '.join(others)}, which others make. Back up where {comes} from.")
    if manifest.models.present is None:
        notes.append("Which models Ollama holds could not be told; those that the stack asks for are noted.")
    notes.append("Not in it: uploaded images and files (the claim librechat-images) and the search index, made anew.")
    return tuple(notes)


@contextmanager
def _emptied_if_it_fails(folder: Path) -> Iterator[None]:
    there = folder.is_dir()
    if there and any(folder.iterdir()):
        raise NotTakenError(f"{folder} is not empty; name a folder that isn't there yet")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for file in folder.iterdir():
            file.unlink()
        if not there:
            folder.rmdir()
        raise


def _whole(received: Receiving, dumped: tools.Dumped) -> File:
    if received.sha256 != dumped.sha256:
        raise NotTakenError("what arrived is not what mongodump wrote: the stream was cut or changed on its way")
    if tools.MARK in dumped.documents:
        raise NotTakenError(
            "the database is half restored: to go on with what was begun: python -m ops restore DIR --stack NAME"
        )
    return received.done()


def _models(api: client.ApiClient, settings: Settings) -> Models:
    if settings.ollama is None:
        return Models(asked=(), present=None)  # They are another stack's.
    asked, namespace = settings.ollama.models, settings.ollama.namespace
    pod = standing(api, namespace, OLLAMA.name).serving
    try:
        present = read_models(api, namespace, pod, asked).present if pod else None
    except CouldNotTellError:
        present = None
    return Models(asked=asked, present=present)
