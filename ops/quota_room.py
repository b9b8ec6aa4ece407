"""Room in the quota of a namespace while a release changes: its new size comes only once the release is as declared.

During a rolling update pods of the old size and of the new one run side by side. Whatever is larger of the old quota
and the new one, entry by entry, has room for them: so what is to grow grows before the release, by its hook, and what
is to shrink shrinks after it, by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from components.guardrails.quantities import amount
from ops.diagnosis.reading import REQUEST_TIMEOUT, UnreachableError, connect
from ops.preflight_checks.reading import in_short

MANAGER = "private-chatgpt-room"
"""Who wrote what grew early; the engine takes it over, with the same values, when the release is deployed."""


class NoRoomError(Exception):
    """The quota can't be changed; the message says why."""


def widen(context: str, namespace: str, name: str, hard: Mapping[str, str]) -> dict[str, str] | None:
    """Let the quota grow to `hard`, where it is there and smaller; returns what it said before, None if unchanged.

    Entries that `hard` lacks go: they would demand of the new pods what these don't name. Raises NoRoomError where the
    cluster refuses it. Of a cluster that does not answer helm will say so itself.
    """
    try:
        with connect(context) as api:
            core = client.CoreV1Api(api)
            found: Any = core.read_namespaced_resource_quota(name, namespace, _request_timeout=REQUEST_TIMEOUT)
            live: dict[str, str] = dict(found.spec.hard or {})
            changed: dict[str, str | None] = {
                key: text for key, text in hard.items() if key in live and amount(text) > amount(live[key])
            }
            changed |= dict.fromkeys(live.keys() - hard.keys())
            if changed:
                _write(core, namespace, name, changed)
    except client.ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise NoRoomError(f"ResourceQuota {name} can't be given room for the release: {in_short(error)}") from error
    except (UnreachableError, HTTPError, OSError):
        return None
    return {key: live[key] for key in changed} or None


def narrow(context: str, namespace: str, name: str, before: Mapping[str, str]) -> None:
    """Give the quota back what it said before `widen`; raises NoRoomError where that can't be done."""
    try:
        with connect(context) as api:
            _write(client.CoreV1Api(api), namespace, name, before)
    except (client.ApiException, UnreachableError, HTTPError, OSError) as error:
        raise NoRoomError(
            f"ResourceQuota {name} has more room than declared, made for the release that failed: pulumi up --refresh "
            f"takes it back ({in_short(error)})"
        ) from error


def _write(core: client.CoreV1Api, namespace: str, name: str, hard: Mapping[str, str | None]) -> None:
    body: Any = {"spec": {"hard": dict(hard)}}
    core.patch_namespaced_resource_quota(name, namespace, body, field_manager=MANAGER, _request_timeout=REQUEST_TIMEOUT)
