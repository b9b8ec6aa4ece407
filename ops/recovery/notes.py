"""The notes beside the files of a file backend: `<file>.attrs`, with a content type and a checksum.

Pulumi's library empties such a note before it writes it anew (gocloud.dev/blob/fileblob, setAttrs), so that one that is
killed just then leaves an empty one, and every command on the stack fails with "failed to load checkpoint: EOF" (seen
with 3.250, 2026-11). A file without a note is read as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ops.recovery.place import Place

STEP = "take them off: Pulumi reads a file as well without its note, and writes a new one with the next change"


def broken_notes(place: Place) -> list[Path]:
    """Notes of the stack's files that can't be read; none where the backend is no folder."""
    folder = place.folder()
    if folder is None:
        return []
    own = folder / ".pulumi"
    of_stack = (
        (own, "meta.yaml"),
        (own / "stacks" / place.project, f"{place.stack}.json*"),
        (own / "history" / place.project / place.stack, "*"),
        (own / "locks" / "organization" / place.project / place.stack, "*"),
    )
    return [note for inside, name in of_stack for note in sorted(inside.glob(f"{name}.attrs")) if _is_broken(note)]


def told(notes: Sequence[Path]) -> str:
    """What is wrong, in words."""
    return f"the stack's state can't be read: Pulumi's notes of its files are cut off: {', '.join(map(str, notes))}"


def _is_broken(note: Path) -> bool:
    try:
        return not isinstance(json.loads(note.read_bytes()), dict)
    except FileNotFoundError:  # Of a lock that was taken off meanwhile.
        return False
    except (OSError, ValueError):
        return True
