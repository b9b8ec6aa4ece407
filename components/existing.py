"""What the program makes, and what takes its place where a stack brings a database, a search engine or Secrets along.

A Secret that others make reaches LibreChat by `secretKeyRef`, not by the chart's `envFrom` alone: that one is optional,
so a wrong name would start LibreChat without keys (2026-11, facts.md); without a referenced key no container starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.formats import HEX_KEY_LENGTHS
from components.settings import LibreChatSettings

MONGODB_KEYS = ("MONGODB_ROOT_PASSWORD", "MONGODB_PASSWORD")


@dataclass(frozen=True)
class ExistingSecret:
    """A Secret that somebody else makes in the namespace of a release."""

    name: str
    setting: str
    """The setting that names it."""
    keys: Mapping[str, str]
    """LibreChat's environment variables → the keys of the Secret that hold them."""


def own_keys(settings: LibreChatSettings) -> list[str]:
    """Those of the keys of an installation that are generated, or come from `librechat.keys`."""
    keys = [] if settings.credentials else list(HEX_KEY_LENGTHS)
    if settings.meilisearch is None:
        keys.append("MEILI_MASTER_KEY")
    return keys if settings.mongodb else [*keys, *MONGODB_KEYS]


def own_variables(settings: LibreChatSettings, more: Sequence[str] = ()) -> list[str]:
    """The environment of LibreChat that stands in the Secret which the program makes for it, `more` among it."""
    variables = [] if settings.credentials else list(HEX_KEY_LENGTHS)
    if settings.meilisearch is None or settings.meilisearch.secret is None:
        variables.append("MEILI_MASTER_KEY")
    if settings.mongodb is None or settings.mongodb.secret is None:
        variables.append("MONGO_URI")
    return [*variables, *more, *settings.secret_env]


def existing_secrets(settings: LibreChatSettings) -> tuple[ExistingSecret, ...]:
    """The Secrets that others make for LibreChat; one that is named twice is one for each setting."""
    found = []
    if credentials := settings.credentials:
        keys = credentials.secret_keys.model_dump(by_alias=True)
        found.append(ExistingSecret(credentials.secret, "librechat.credentials.secret", keys))
    if (mongodb := settings.mongodb) and mongodb.secret:
        keys = {"MONGO_URI": mongodb.secret_key}
        found.append(ExistingSecret(mongodb.secret, "librechat.mongodb.secret", keys))
    if (meilisearch := settings.meilisearch) and meilisearch.secret:
        keys = {"MEILI_MASTER_KEY": meilisearch.secret_key}
        found.append(ExistingSecret(meilisearch.secret, "librechat.meilisearch.secret", keys))
    return tuple(found)


def env_of_secrets(settings: LibreChatSettings, own_secret: str, more: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The environment that is read key by key: what others' Secrets hold, and beside those what `own_secret` does.

    The chart reads one Secret whole. Where that is somebody else's, ours is read like this.
    """
    entries = [
        _entry(variable, secret.name, key)
        for secret in existing_secrets(settings)
        for variable, key in secret.keys.items()
    ]
    if settings.credentials:
        entries += [_entry(variable, own_secret, variable) for variable in own_variables(settings, more)]
    return sorted(entries, key=lambda entry: str(entry["name"]))


def _entry(variable: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
