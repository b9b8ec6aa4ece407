"""backup.json, which is written last: a folder without it is no backup."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = "backup.json"
ARCHIVE: Literal["mongodb.archive.gz"] = "mongodb.archive.gz"
KEYS: Literal["keys.json"] = "keys.json"
FORMAT: Literal[1] = 1
BLOCK = 1024 * 1024


class UnusableBackupError(Exception):
    """The folder holds no backup, or one that can't be trusted; the message says which file and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Content(_Part):
    """One file of the backup."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Models(_Part):
    """The models of the stack."""

    asked: tuple[str, ...]
    present: tuple[str, ...] | None
    """Those that Ollama held; None where that could not be told."""


class Manifest(_Part):
    """What a backup says of itself."""

    format: Literal[1] = FORMAT
    project: str
    stack: str
    made: datetime
    images: dict[str, str]
    """`librechat` and `mongodb` → the image that ran; its tag is the version of the app."""
    charts: dict[str, str]
    """Release → version of its chart."""
    database: str
    documents: dict[str, int]
    """Collection → how many documents the archive holds."""
    models: Models
    generated: tuple[str, ...]
    """Generated keys in keys.json, by their names in the program."""
    supplied: tuple[str, ...]
    """Keys that the stack file brought along: they are there, encrypted, and not in the backup.

    Keys of `librechat` that are neither generated nor supplied others held, in a Secret of theirs.
    """
    secrets_provider: str
    """What encrypted keys.json, as Pulumi calls it, such as `passphrase`."""
    files: dict[Literal["mongodb.archive.gz", "keys.json"], Content]

    def write(self, folder: Path) -> None:
        """Write backup.json."""
        (folder / FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> Manifest:
        """The manifest of a folder whose files are what it says; raises UnusableBackupError."""
        file = folder / FILE
        try:
            text = file.read_text(encoding="utf-8")
            _check_format(file, json.loads(text))
            manifest = Manifest.model_validate_json(text)
        except FileNotFoundError as error:
            said = "is no backup, or one that was not ended" if folder.is_dir() else "is not there"
            raise UnusableBackupError(f"{folder} {said}: there is no {file}") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UnusableBackupError(f"{file} can't be used: {place}: {first['msg']}") from error
        except (OSError, ValueError) as error:
            raise UnusableBackupError(f"{file} can't be read: {error}") from error
        for name in (ARCHIVE, KEYS):
            _check(folder / name, manifest.files.get(name))
        return manifest


def content_of(file: Path) -> Content:
    """Size and checksum of a file."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            digest.update(block)
            size += len(block)
    return Content(bytes=size, sha256=digest.hexdigest())


def _check_format(file: Path, document: object) -> None:
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise UnusableBackupError(
            f"{file} has format {found!r}; this program knows {FORMAT}. Use the version of the program that wrote it"
        )


def _check(file: Path, wanted: Content | None) -> None:
    try:
        found = content_of(file)
    except OSError as error:
        raise UnusableBackupError(f"{file} can't be read: {error.strerror}") from error
    if wanted is None or found != wanted:
        expected = f"{wanted.bytes} bytes, sha256 {wanted.sha256}" if wanted else "none such"
        raise UnusableBackupError(
            f"{file} is not what was backed up: it has {found.bytes} bytes, sha256 {found.sha256}; "
            f"{FILE} says {expected}"
        )
