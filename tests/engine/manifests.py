"""All manifests of a stack: what its releases render to with the stand-in charts, and what the program adds itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.loading import PROJECT_DIR, Settings
from local.up import STAND_INS
from ops.diagnosis.objects import Object
from ops.preflight_checks.rendering import releases_of, render
from tests.unit.deployment import LOCAL_CONTEXT, deploy, load_settings
from tests.unit.recording import RELEASE, SECRET

# Upstream's charts can't be had everywhere. The stand-ins make the same objects (tests/engine/test_compare_charts.py).
CHARTS = {"charts": str(STAND_INS), "kubernetes:context": LOCAL_CONTEXT}
VERSION = "v1.36.3"


def rendered(settings: Settings) -> dict[str, Sequence[Object]]:
    """What each release renders to, by namespace."""
    return {
        release.namespace: render(release, VERSION, [], 60, PROJECT_DIR).manifests for release in releases_of(settings)
    }


def native(stack: str, changes: Mapping[str, Any], *types: str) -> list[dict[str, Any]]:
    """What the program registers beside the releases, without Secrets; of these types only, if any are named."""
    found = []
    for item in deploy(stack, {**CHARTS, **changes}).registrations:
        package, _, kind = item.type.partition(":")
        if package == "kubernetes" and item.type not in (RELEASE, SECRET) and (not types or item.type in types):
            version, _, kind = kind.partition(":")
            found.append({**item.inputs, "apiVersion": version.removeprefix("core/"), "kind": kind})
    return found


def manifests_of(stack: str, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All of them, each with its namespace."""
    settings = load_settings(stack, {**CHARTS, **changes})
    of_releases = [
        {**item, "metadata": {**item["metadata"], "namespace": namespace}}
        for namespace, items in rendered(settings).items()
        for item in items
    ]
    return [*native(stack, changes), *of_releases]
