"""Waits for Secrets that others make: in a namespace that is new, they come some seconds after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.reading import UnreachableError, connect
from ops.preflight_checks.reading import Api, Deadline, read_one

EVERY = 1.0
"""Seconds from one look to the next."""


def wait_for_secrets(
    context: str, namespace: str, names: Sequence[str], seconds: float, say: Callable[[str], None]
) -> None:
    """Returns when all of them are there, or after that many seconds, or where the cluster does not tell.

    The check `secrets` says afterwards what is missing.
    """
    try:
        with connect(context) as api_client:
            api, end = Api(api_client, Deadline.after(seconds + 10)), time.monotonic() + seconds
            if not (missing := _missing(api, namespace, names)) or not seconds:
                return
            say(
                f"Waits up to {seconds:g} s for Secrets that others make in namespace {namespace}: {', '.join(missing)}"
            )
            while missing and time.monotonic() < end:
                time.sleep(EVERY)
                missing = _missing(api, namespace, missing)
    except (UnreachableError, client.ApiException, HTTPError, OSError, ValueError):
        return


def _missing(api: Api, namespace: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if read_one(api, f"/api/v1/namespaces/{namespace}/secrets/{name}") is None]
