"""What happens when a key is replaced, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.settings import KeyName

_BY_JOB = "the database gets it first, while it runs, by a Job of its own image."


@dataclass(frozen=True)
class Consequence:
    """What a new key does to the pods and to people."""

    pods: tuple[str, ...]
    """Those that restart, by their app.kubernetes.io/name."""
    noticed: str
    lost: str = ""
    """What can't be read any more; such a key is only replaced by force."""


_CREDENTIALS = Consequence(
    ("librechat",),
    "users enter their stored credentials again.",
    "LibreChat encrypts the credentials that users store (API keys, tokens of tools) with it: with another key all of "
    "them become unreadable, for ever, and a backup does not help",
)

CONSEQUENCES: Mapping[KeyName, Consequence] = {
    "JWT_SECRET": Consequence(("librechat",), "sessions go on: browsers renew them with their refresh token."),
    "JWT_REFRESH_SECRET": Consequence(("librechat",), "every user logs in again."),
    "CREDS_KEY": _CREDENTIALS,
    "CREDS_IV": _CREDENTIALS,
    # 2026-11, meilisearch.com/docs, "Resetting the master key": start with another one; API keys of the old one end.
    "MEILI_MASTER_KEY": Consequence(
        ("librechat", "meilisearch"),
        "search is away until both run again. The index stays; API keys made from the old master key end.",
    ),
    "MONGODB_PASSWORD": Consequence(("librechat", "mongodb"), f"the chat is away until both run again; {_BY_JOB}"),
    "MONGODB_ROOT_PASSWORD": Consequence(("mongodb",), f"the chat waits until the database runs again; {_BY_JOB}"),
}
