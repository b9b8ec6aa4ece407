"""`python -m ops backup --stack STACK [--out DIR]`: MongoDB, the generated keys and the list of models into a folder.

The database is dumped by mongodump in a Job of its own image and streamed here, compressed; backup.json, written last,
has checksums and versions. Keys stay encrypted as in the state. Exit code 0: there is a backup. 1: there is none, and
nothing is left of the attempt. 2: that can't be asked for.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.loading import PROJECT_DIR
from ops.command import lacks_chat, options_of_stack, print_json, settings_of_stack

if TYPE_CHECKING:
    from ops.backing_up.taking import Taken

TAKEN, FAILED, NOT_ASKED_WELL = 0, 1, 2
"""Exit codes."""
FOLDER = "backups"


def main(arguments: list[str]) -> int:
    """Take a backup; returns the exit code."""
    parser = options_of_stack("backup", __doc__)
    parser.add_argument("--out", type=Path, help=f"an empty or new folder; default: {FOLDER}/<stack>-<time>")
    options = parser.parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None or lacks_chat(settings):
        return NOT_ASKED_WELL
    from ops.backing_up.asking import EXPECTED, heed_sigterm, in_words, shown
    from ops.backing_up.engine import Engine, EngineError
    from ops.backing_up.keys import names
    from ops.backing_up.taking import take
    from ops.diagnosis.reading import connect
    from ops.recovery.place import Place

    try:
        state = Engine(Place.of(settings.platform, options.kubeconfig, PROJECT_DIR)).export()
    except EngineError as error:
        print(f"The state of stack {options.stack} can't be read: {error}", file=sys.stderr)
        return NOT_ASKED_WELL
    if not names(state):
        print(f"Stack {options.stack} is not deployed: there is nothing to back up.", file=sys.stderr)
        return NOT_ASKED_WELL
    folder = options.out or Path(FOLDER) / f"{options.stack}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    began = time.monotonic()
    heed_sigterm()
    try:
        with connect(settings.platform.context, options.kubeconfig) as api, shown("database", None) as progress:
            taken = take(api, settings, state, folder, progress)
    except EXPECTED as error:
        print(f"There is no backup of stack {options.stack}: {in_words(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"Stopped: there is no backup of stack {options.stack}, and nothing is left of it.", file=sys.stderr)
        return FAILED
    if options.json:
        report = {"folder": str(taken.folder), "seconds": round(time.monotonic() - began, 1), "notes": taken.notes}
        print_json({**report, "backup": taken.manifest.model_dump(mode="json")})
    else:
        print(told(taken))
    return TAKEN


def told(taken: Taken) -> str:
    """The backup in words."""
    manifest = taken.manifest
    size = sum(content.bytes for content in manifest.files.values())
    documents = sum(manifest.documents.values())
    lines = [
        f"{taken.folder}: {documents} documents in {len(manifest.documents)} collections, "
        f"{len(manifest.generated)} keys, {len(manifest.models.asked)} models; {size / 1e6:.1f} MB",
        *(f"  {note}" for note in taken.notes),
        f"  To put it into an empty stack: python -m ops restore {taken.folder} --stack <stack>",
    ]
    return "\n".join(lines)
