"""What both commands share: the stack's place, the errors that are told, how far it is."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from kubernetes.client import ApiException
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError

from ops.backing_up.engine import EngineError
from ops.backing_up.living import NotRunningError
from ops.backing_up.putting import NotRestoredError
from ops.backing_up.streaming import BrokenStreamError
from ops.backing_up.taking import NotTakenError
from ops.backing_up.tools import ToolError
from ops.backing_up.worker import WorkerError
from ops.diagnosis.reading import UnreachableError
from ops.preflight_checks.reading import in_short

EXPECTED = (
    ApiException,
    BrokenStreamError,
    EngineError,
    HTTPError,
    NotRestoredError,
    NotRunningError,
    NotTakenError,
    OSError,
    ToolError,
    UnreachableError,
    WorkerError,
)
"""What may go wrong; anything else is a fault of this program."""


def in_words(error: BaseException) -> str:
    """The error for people."""
    if isinstance(error, ApiException):
        return f"the cluster refuses it: {error.status} {error.reason}"
    if isinstance(error, HTTPError):
        return f"the cluster does not answer: {in_short(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return str(error)


def heed_sigterm() -> None:
    """Let the end that a CI system puts to a run be one that tidies up, as Ctrl-C is."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


@contextmanager
def shown(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Shows on stderr how many bytes there are by now, of `total` where that is known; nothing where nobody looks."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.update(task, completed=size)
