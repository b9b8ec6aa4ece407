"""A file that is either all there or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.backing_up.manifest import Content


class Receiving:
    """Writes to `<file>.partial`; `done()` gives it its name, and without that nothing is left of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._partial = file.with_name(f"{file.name}.partial")
        self._opened = os.fdopen(os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o600), "wb")
        self._digest = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._opened.close()
        except OSError:  # What waits in the buffer of a full disk; the first error is the one to be told.
            if error is None:
                raise
        finally:
            self._partial.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """Of what has arrived."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add bytes; raises OSError, as on a full disk."""
        self._opened.write(data)
        self._digest.update(data)
        self.size += len(data)

    def done(self) -> Content:
        """All has arrived; what it is. Raises OSError."""
        self._opened.flush()
        os.fsync(self._opened.fileno())
        self._partial.rename(self._file)
        return Content(bytes=self.size, sha256=self.sha256)
