"""Keys of an installation that moves in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from components.formats import HEX_KEY_LENGTHS, MasterKey, hex_key
from components.settings.base import Model, setting


class SuppliedKeys(Model):
    """Keys of an installation that moves in; what is absent is generated. Encrypted config only."""

    jwt_secret: Annotated[str, hex_key(64)] | None = setting(
        None, "signs sessions", f"{HEX_KEY_LENGTHS['JWT_SECRET']} hex characters", alias="JWT_SECRET"
    )
    jwt_refresh_secret: Annotated[str, hex_key(64)] | None = setting(
        None,
        "signs refresh tokens",
        f"{HEX_KEY_LENGTHS['JWT_REFRESH_SECRET']} hex characters, different from JWT_SECRET",
        alias="JWT_REFRESH_SECRET",
    )
    creds_key: Annotated[str, hex_key(64)] | None = setting(
        None, "encrypts users' stored credentials", f"{HEX_KEY_LENGTHS['CREDS_KEY']} hex characters", alias="CREDS_KEY"
    )
    creds_iv: Annotated[str, hex_key(32)] | None = setting(
        None, "encrypts users' stored credentials", f"{HEX_KEY_LENGTHS['CREDS_IV']} hex characters", alias="CREDS_IV"
    )
    meili_master_key: MasterKey | None = setting(
        None, "Meilisearch's master key", "16 or more printable ASCII characters, no space", alias="MEILI_MASTER_KEY"
    )
    mongodb_root_password: Annotated[str, StringConstraints(pattern=r"^[!-~]+$")] | None = setting(
        None, "MongoDB's root password", "printable ASCII characters, no space", alias="MONGODB_ROOT_PASSWORD"
    )
    # The chart's Secret joins several users' passwords by commas (2026-11, facts.md), so one can't hold a comma.
    mongodb_password: Annotated[str, StringConstraints(pattern=r"^[!-+\--~]+$")] | None = setting(
        None, "password of the database user librechat", "printable ASCII characters, no space or comma",
        alias="MONGODB_PASSWORD",
    )  # fmt: skip


KeyName = Literal[
    "JWT_SECRET",
    "JWT_REFRESH_SECRET",
    "CREDS_KEY",
    "CREDS_IV",
    "MEILI_MASTER_KEY",
    "MONGODB_ROOT_PASSWORD",
    "MONGODB_PASSWORD",
]
"""A key of an installation, as in SuppliedKeys."""
