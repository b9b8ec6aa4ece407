"""Two renderings of a release, object by object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepdiff import DeepDiff

from ops.diagnosis.masking import Masker, hidden_object
from ops.diagnosis.objects import Object, name
from ops.diagnosis.words import shortened
from ops.preflight_checks.manifests import SCALED, claims_of, containers, pods_of

VERSION_LABEL = re.compile(r"\['labels'\]\['(helm\.sh/chart|app\.kubernetes\.io/version)'\]$")
"""These change in every object with every version, and say nothing else."""
IMAGE = re.compile(r"\['(containers|initContainers)'\]\[\d+\]\['image'\]$")
POD_MAKERS = (*SCALED, "DaemonSet")


@dataclass(frozen=True)
class Change:
    """One field of an object that has another value; an empty text stands for none."""

    object: str
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """What is different between two renderings, objects as `<kind> <name>`."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[Change]
    """Without version labels and images, which are told apart."""
    relabelled: int
    """Objects that have other version labels."""
    images: Sequence[Change]
    restarts: Sequence[str]
    """Workloads whose pods are made anew: other version labels of the pods are enough for that."""
    claims_added: Sequence[str]
    claims_removed: Sequence[str]


def compare(before: Sequence[Object], after: Sequence[Object], secrets: Iterable[str] = ()) -> Comparison:
    """The way from one to the other; `secrets` are texts that must not be told."""
    old, new = by_name(before), by_name(after)
    both = sorted(old.keys() & new.keys())
    mask = Masker(secrets)
    changed = {key: _changes(key, old[key], new[key], mask) for key in both}
    claims_before, claims_after = _claims(before), _claims(after)
    return Comparison(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        changed=[change for key in both for change in changed[key][0]],
        relabelled=sum(changed[key][1] for key in both),
        images=_images(before, after),
        restarts=[key for key in both if _restarts(old[key], new[key])],
        claims_added=sorted(claims_after - claims_before),
        claims_removed=sorted(claims_before - claims_after),
    )


def by_name(manifests: Sequence[Object]) -> dict[str, Object]:
    """The objects by `<kind> <name>`."""
    return {f"{item['kind']} {name(item)}": item for item in manifests}


def _changes(key: str, before: Object, after: Object, mask: Masker) -> tuple[list[Change], bool]:
    """The fields that differ, and whether a version label does."""
    tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0).tree
    levels = [level for kind in tree.values() for level in kind]
    labels = [level for level in levels if VERSION_LABEL.search(level.path())]
    # Compared as they are, and shown from these: two passwords that differ are a change like any other.
    shown_before, shown_after = hidden_object(before), hidden_object(after)
    found = [
        Change(
            key,
            ".".join(map(str, level.path(output_format="list"))),
            _shown(level.t1, shown_before, level.path(output_format="list"), mask),
            _shown(level.t2, shown_after, level.path(output_format="list", use_t2=True), mask),
        )
        for level in levels
        if level not in labels and not IMAGE.search(level.path())
    ]
    return sorted(found, key=lambda change: change.field), bool(labels)


def _shown(value: Any, item: Object, path: Sequence[str | int], mask: Masker) -> str:
    if repr(value) == "not present":
        return ""
    shown: Any = item
    for step in path:
        shown = shown[step]
    return shortened(mask(str(shown)), 120)


def _images(before: Sequence[Object], after: Sequence[Object]) -> list[Change]:
    old, new = _images_of(before), _images_of(after)
    places = sorted(old.keys() | new.keys())
    return [
        Change(owner, container, old.get((owner, container), ""), new.get((owner, container), ""))
        for owner, container in places
        if old.get((owner, container)) != new.get((owner, container))
    ]


def _images_of(manifests: Sequence[Object]) -> dict[tuple[str, str], str]:
    return {
        (pods.owner, str(container.get("name"))): str(container.get("image"))
        for pods in pods_of(manifests)
        for container in containers(pods.spec)
    }


def _claims(manifests: Sequence[Object]) -> set[str]:
    return {claim.name for claim in claims_of(manifests)}


def _restarts(before: Object, after: Object) -> bool:
    def template(item: Object) -> Any:
        spec: Mapping[str, Any] = item.get("spec") or {}
        return spec.get("template")

    return before["kind"] in POD_MAKERS and template(before) != template(after)
