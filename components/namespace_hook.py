"""Asks the cluster whose a namespace is before the stack makes it; nothing of it runs in a preview."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pulumi

# For the same reason as in release_hooks.py.
import ops  # noqa: F401
from components.platform import Platform


class NamespaceTakenError(Exception):
    """The namespace is somebody else's; the message says whose, and what to do."""


def namespace_hook(
    name: str, platform: Platform, namespace: str, labels: Mapping[str, str]
) -> pulumi.ResourceHookBinding:
    """Refuses to make a namespace that is there already and not this stack's; `name` is the app's."""

    async def before(args: pulumi.ResourceHookArgs) -> None:
        if reason := await asyncio.to_thread(_refusal, name, platform, namespace, labels):
            raise NamespaceTakenError(reason)

    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook(f"namespace {name}", before)])


def _refusal(name: str, platform: Platform, namespace: str, labels: Mapping[str, str]) -> str | None:
    # Imported when it runs: the Kubernetes client takes 0.4 s (2026-11).
    from ops.namespace_owner import namespace_refusal

    return namespace_refusal(platform.context, namespace, name, labels, adopt="names" in platform.preflight.off)
