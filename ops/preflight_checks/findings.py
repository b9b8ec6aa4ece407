"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REACHABLE = "reachable"
"""The check that all others hang on; it can't be switched off."""


class Result(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "could not tell"
    OFF = "off"


@dataclass(frozen=True)
class Said:
    """One thing that a check says; of several, only those matter that are not ok."""

    result: Result
    text: str
    """What was found and, where it failed, what is needed."""
    cure: str = ""
    """What to do."""


@dataclass(frozen=True)
class Finding(Said):
    """One row of the report."""

    check: str = ""
    release: str | None = None
    """None where it concerns the whole cluster."""


class CouldNotTellError(Exception):
    """A check lacks something that it has to know; the message says what, and why it could not be had."""


def well(text: str) -> Said:
    """All is as it has to be; `text` says what was looked at."""
    return Said(Result.OK, text)


def fails(text: str, cure: str) -> Said:
    """The release can't run, or can't be made."""
    return Said(Result.FAILED, text, cure)


def unknown(text: str, cure: str = "") -> Said:
    """It can't be told from here."""
    return Said(Result.UNKNOWN, text, cure)
