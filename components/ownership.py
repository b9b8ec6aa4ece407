"""Whose the things are that a stack owns itself: the labels and annotations of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.platform import Platform

OWNED = {"pulumi.com/patchForce": "true"}
"""Annotation of what the stack owns. Without it, a preview fails with a conflict of field managers as soon as somebody
has edited a declared label or key by hand; with it, the preview shows the edit, and `up` undoes it (2026-11)."""


@dataclass(frozen=True)
class Marks:
    """Labels and annotations that say whose something is, and not who manages it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def marks_of(platform: Platform, labels: Mapping[str, str]) -> Marks:
    """What stands on everything that is made for the stack, a Job of `ops` too: `labels`, and over them our own.

    Of which project, stack and team it is; who answers for it, who pays, where to ask, as far as the stack says.
    """
    team = {"private-chatgpt/team": platform.team} if platform.team else {}
    own = {"private-chatgpt/project": platform.project, "private-chatgpt/stack": platform.stack, **team}
    said = platform.owner.model_dump(by_alias=True, exclude_none=True)
    named = {"name": "owner", "costCenter": "cost-center", "contact": "contact"}
    return Marks({**labels, **own}, {f"private-chatgpt/{named[key]}": text for key, text in said.items()})


def owner_labels(platform: Platform, labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of what the stack owns: whose it is, and who manages it."""
    return {**marks_of(platform, labels).labels, "app.kubernetes.io/managed-by": "pulumi"}


def owner_annotations(platform: Platform) -> dict[str, str]:
    """Annotations of what the stack owns: OWNED, and whose it is."""
    return {**OWNED, **marks_of(platform, {}).annotations}


def owned(
    platform: Platform, name: str, labels: Mapping[str, str], namespace: pulumi.Input[str] | None = None
) -> k8s.meta.v1.ObjectMetaArgs:
    """The metadata of an object that the stack owns; `labels` are the app's own."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        labels=owner_labels(platform, labels),
        annotations=owner_annotations(platform),
    )
