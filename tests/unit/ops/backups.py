"""A small backup, for tests of what reads one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.charts import LIBRECHAT
from components.formats import KEY_LENGTHS
from components.keys import resource_name
from ops.backing_up.manifest import ARCHIVE, KEYS, Manifest, Models, content_of


def write_backup(folder: Path, **parts: Any) -> Manifest:
    """Write a backup of stack prod, whose archive is no real one; returns its manifest."""
    folder.mkdir(exist_ok=True)
    (folder / ARCHIVE).write_bytes(b"an archive")
    (folder / KEYS).write_text('{"version": 3, "deployment": {"resources": []}}')
    given: dict[str, Any] = {
        "project": "private-chatgpt",
        "stack": "prod",
        "made": datetime(2026, 11, 21, tzinfo=UTC),
        "images": {"librechat": "ghcr.io/danny-avila/librechat:v0.8.7", "mongodb": "bitnamilegacy/mongodb:8.0.13-r0"},
        "charts": {"librechat": "2.0.7", "ollama": "1.77.0"},
        "database": "LibreChat",
        "documents": {"users": 2},
        "models": Models(asked=("llama3.2:1b",), present=None),
        "generated": tuple(sorted(resource_name(LIBRECHAT.name, key) for key in KEY_LENGTHS)),
        "supplied": (),
        "secrets_provider": "passphrase",
        "files": {name: content_of(folder / name) for name in (ARCHIVE, KEYS)},
    }
    manifest = Manifest(**{**given, **parts})
    manifest.write(folder)
    return manifest
