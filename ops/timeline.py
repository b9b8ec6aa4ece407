"""One timeline of a release, out of the stack's history and helm's revisions: which update made which revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops.backend import Update
from ops.helm_records import Record

SECOND = timedelta(seconds=1)
"""The stack's history tells whole seconds."""


@dataclass(frozen=True)
class Entry:
    """A revision, the update that made it, or both; an update that made several has an entry for each."""

    revision: Record | None
    update: Update | None

    @property
    def when(self) -> datetime:
        """When helm began with the revision, else when the update began."""
        if self.revision and self.revision.deployed:
            return self.revision.deployed
        return self.update.start if self.update else datetime.min.replace(tzinfo=UTC)


def timeline(records: Sequence[Record], updates: Sequence[Update]) -> list[Entry]:
    """What happened to the release, newest first, updates that made no revision of it included."""
    entries = [Entry(record, _maker(record, updates)) for record in records]
    made = {id(entry.update) for entry in entries}
    entries += [Entry(None, update) for update in updates if id(update) not in made]
    return sorted(entries, key=_order, reverse=True)


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.when, entry.revision.number if entry.revision else 0


def _maker(record: Record, updates: Sequence[Update]) -> Update | None:
    """The update during which helm began with the revision. One that was killed stands in no history."""
    began = record.deployed
    if began is None:
        return None
    during = [
        update
        for update in updates
        if update.kind in ("update", "destroy") and update.start - SECOND <= began and _until(update) >= began
    ]
    # A stack is updated by one at a time; where two touch within a second, the one that began last before it.
    return max(during, key=lambda update: (update.start <= began, update.start), default=None)


def _until(update: Update) -> datetime:
    return update.end + SECOND if update.end else datetime.max.replace(tzinfo=UTC)
