"""What a release holds beside its chart's own objects: LibreChat's subcharts, and objects that a chart takes whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.charts import LIBRECHAT, OLLAMA
from components.provenance import KeyPath
from components.values import Values, dig, entries, section

PARTS = ("mongodb", "meilisearch", "redis")
"""Subcharts of LibreChat."""
EXTRA: Mapping[str, tuple[tuple[str, ...], ...]] = {
    OLLAMA.name: (("extraObjects",),),
    LIBRECHAT.name: (("mongodb", "extraDeploy"), ("redis", "extraDeploy")),
}
"""Where objects stand that are made as they are (ollama 1.77.0, librechat 2.0.7)."""


def switched_on(values: Values, path: KeyPath) -> bool:
    """Whether a value is read: that of a subchart only where this is part of the release."""
    return path[0] not in PARTS or bool(section(values, str(path[0])).get("enabled"))


def extra_objects(release: str, values: Values) -> Iterator[tuple[KeyPath, Any]]:
    """The objects beside the chart's own, each with the path of the entry that holds it.

    Of an entry that is a text no more is known than the kinds and the types of Services in it.
    """
    for at in EXTRA[release]:
        for key, entry in entries(dig(values, *at) if switched_on(values, at) else None).items():
            for item in _objects(entry):
                yield (*at, key), item


def kind_of(item: Any) -> str:
    """The kind of an object; empty where it has none."""
    return str(dig(item, "kind") or "")


def _objects(entry: Any) -> list[Any]:
    """The objects of an entry: it may be a List, or a text that is a template of one or more."""
    if isinstance(entry, str):
        # What a template makes is not known here; its kinds and types stand in it in the open.
        types = re.findall(r"\btype[\"']?:\s*[\"']?(NodePort\b|LoadBalancer\b|{{)", entry)
        kinds = re.findall(r"\bkind[\"']?:\s*[\"']?([^\s\"',}]+)", entry)
        return [{"kind": kind} for kind in kinds] + [{"kind": "Service", "spec": {"type": found}} for found in types]
    items = dig(entry, "items")
    return [item for nested in items for item in _objects(nested)] if isinstance(items, list) else [entry]
