"""The database's passwords change in the database first, then in the Secret that its pods and LibreChat read.

MongoDB sets passwords only when it first fills its volume (2026-11, facts.md): a changed Secret alone locks everybody
out. So whoever changes a password, by `python -m ops rotate` or in encrypted config, `up` changes it in this order.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import pulumi

# For the same reason as in release_hooks.py.
import ops  # noqa: F401
from components.ownership import Marks

MONGODB_USER = "librechat"
MONGODB_DATABASE = "LibreChat"
ROOT_PASSWORD, PASSWORD = "mongodb-root-password", "mongodb-passwords"
"""Keys of MongoDB's Secret, whose names the chart decides."""


def password_hooks(name: str, context: str, namespace: str, marks: Marks) -> pulumi.ResourceHookBinding:
    """Changes passwords in the running database of the app `name` before the Secret that holds them changes.

    `marks` say whose the Job is that does it.
    """

    async def before(args: pulumi.ResourceHookArgs) -> None:
        old, new = await _passwords(args.old_inputs), await _passwords(args.new_inputs)
        if old != new:
            await asyncio.to_thread(_change, context, namespace, name, old, new, marks)

    return pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook(f"database password {name}", before)])


def _change(
    context: str, namespace: str, name: str, old: Mapping[str, str], new: Mapping[str, str], marks: Marks
) -> None:
    # Imported when it runs: the Kubernetes client takes 0.4 s (2026-11).
    from ops.database_password import Account, Passwords, change_passwords

    account = Account(MONGODB_USER, MONGODB_DATABASE)
    passwords = Passwords(old[ROOT_PASSWORD], new[ROOT_PASSWORD], new[PASSWORD])
    change_passwords(context, namespace, name, account, passwords, marks)


async def _passwords(inputs: Mapping[str, Any] | None) -> dict[str, str]:
    """What the engine's inputs of the Secret hold: in base64, and as outputs, since they are secret."""
    data = await _plain((inputs or {})["data"])
    return {key: base64.b64decode(await _plain(data[key])).decode() for key in (ROOT_PASSWORD, PASSWORD)}


async def _plain(value: Any) -> Any:
    while isinstance(value, pulumi.Output):
        value = await value.future()
    return value
