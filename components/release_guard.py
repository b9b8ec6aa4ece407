"""Makes an edit inside a release visible to the engine, as a change of a resource below the release.

`pulumi refresh` reads what differs from the release, `pulumi up --refresh` undoes it. Nothing of it runs in a plain
preview but a comparison of two lists, and nothing needs the cluster.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
import pulumi_kubernetes as k8s
from pulumi.dynamic import Resource
from pulumi.runtime.settings import get_root_resource

# As in sharing.py: a program has no public way to wait for something.
from pulumi.runtime.sync_await import _sync_await

from components.platform import Platform
from ops.drift_reading.guarding import DRIFT, HEALED, ReleaseGuardProvider

_providers: WeakKeyDictionary[pulumi.Resource, pulumi.ProviderResource] = WeakKeyDictionary()
"""By the stack whose guards it runs."""


class ReleaseGuard(Resource, name="ReleaseGuard"):
    """Compares a release with what is live, whenever the engine refreshes."""

    drift: pulumi.Output[list[str]]
    """What differs, one line each; empty when nothing does."""
    healed: pulumi.Output[list[str]]
    """What the last heal undid."""


def start_guards(platform: Platform) -> None:
    """Starts the process of the guards, and loads the Kubernetes SDK meanwhile; returns when that is loaded.

    Without this call the engine starts it when the first guard is made, and all resources wait: 0.2 s of a preview
    (measured 2026-11, CLI 3.250).
    """
    if platform.drift.guard:
        _provider()
        # In a thread: the event loop sends the registration, and it runs only while the program's own code waits.
        _sync_await(asyncio.to_thread(_load_sdk))


def _load_sdk() -> None:
    """Load what every release needs. The SDK reads a module when something of it is asked for."""
    _ = k8s.core.v1.Namespace, k8s.helm.v3.Release, k8s.meta.v1.ObjectMetaArgs, k8s.networking.v1.NetworkPolicy


def guard(name: str, platform: Platform, namespace: str, release: pulumi.Resource) -> ReleaseGuard:
    """The guard of the release `name`; protected where the release is, or a refused `destroy` would take it.

    As a child of the release it is in nobody's dependencies: a component that others depend on stands for all in it,
    but not for children of its custom resources (pulumi 3.272, _add_dependency).
    """
    exceptions = [item.model_dump() for item in platform.drift.except_]
    props: dict[str, Any] = {"release": name, "namespace": namespace, "context": platform.context, DRIFT: []}
    # An output that no input names has to be announced.
    props |= {"except": exceptions, HEALED: None}
    opts = pulumi.ResourceOptions(parent=release, provider=_provider())
    with _untraced():
        return ReleaseGuard(ReleaseGuardProvider(), name, props, opts)


def _provider() -> pulumi.ProviderResource:
    """The process in which all guards of the stack run.

    The engine's default one is given the whole stack config, which would stand in the state twice more.
    """
    stack = get_root_resource()
    if stack is None:
        raise RuntimeError("a guard can only be made while a stack is being run")
    if stack not in _providers:
        with _untraced():
            _providers[stack] = pulumi.ProviderResource("pulumi-python", "guards", {})
    return _providers[stack]


@contextmanager
def _untraced() -> Iterator[None]:
    """Keeps the SDK from writing into the state from where a resource was made.

    That is 1.2 KB each, most of it paths inside Python and the SDK: half of a guard (measured 2026-11, pulumi 3.272).
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
