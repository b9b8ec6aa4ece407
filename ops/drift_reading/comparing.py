"""Where two states of an object differ: the live one, and the one that the API server makes of what is declared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.diagnosis.objects import Object
from ops.drift_reading.fields import MISSING, Manager, Path, Tree, below, list_keys, managers_of, owner_of, step_of

SERVER_OWNED = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})
"""Parts of metadata that the API server writes."""


@dataclass(frozen=True)
class Difference:
    """One field that isn't as it would have to be."""

    path: Path
    declared: Any
    """MISSING where somebody added the field."""
    live: Any
    """MISSING where somebody removed it."""
    manager: Manager | None
    """Who wrote what is there now; None where nothing tells, as for what was removed."""
    paths: tuple[Path, ...] = ()
    """All that has to be put back for it; more than one where the key of a list's item was changed."""


def differences(expected: Object, live: Object) -> list[Difference]:
    """Every field in which the live object isn't what is expected, but its status and what the API server writes."""
    managers = managers_of(live)
    trees = [manager.fields for manager in (*managers, *managers_of(expected))]
    wanted, found = _comparable(expected), _comparable(live)
    return [
        Difference(path, before, after, owner_of(owned, managers) if after is not MISSING else None, paths)
        for path, before, after, owned, paths in _walk(wanted, found, trees, ())
    ]


def _comparable(item: Object) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVER_OWNED}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


_Found = tuple[Path, Any, Any, Path, tuple[Path, ...]]


def _walk(expected: Any, live: Any, trees: Sequence[Tree], path: Path) -> Iterator[_Found]:
    if expected == live:
        return
    if isinstance(expected, Mapping) and isinstance(live, Mapping) and (expected and live):
        for name in dict.fromkeys((*expected, *live)):
            step = f"f:{name}"
            inner = below(trees, step)
            yield from _walk(expected.get(name, MISSING), live.get(name, MISSING), inner, (*path, step))
    elif isinstance(expected, list) and isinstance(live, list) and (keys := list_keys(trees)) is not None:
        yield from _walk_list(expected, live, keys, trees, path)
    else:
        yield path, expected, live, path, (path,)


def _walk_list(
    expected: list[Any], live: list[Any], keys: tuple[str, ...], trees: Sequence[Tree], path: Path
) -> Iterator[_Found]:
    wanted, found = ({step_of(item, keys): item for item in items} for items in (expected, live))
    if len(wanted) < len(expected) or len(found) < len(live):
        yield path, expected, live, path, (path,)  # An item stands there twice.
        return
    missing, more = [step for step in wanted if step not in found], [step for step in found if step not in wanted]
    if len(missing) == len(more) == 1 and _same_name(wanted[missing[0]], found[more[0]]):
        # One of the item's keys was changed, such as the port of a Service.
        inner = below(trees, more[0])
        both = ((*path, missing[0]), (*path, more[0]))
        name = "k:" + json.dumps({"name": wanted[missing[0]]["name"]})
        for place, before, after, owned, _ in _walk(wanted[missing[0]], found[more[0]], inner, ()):
            yield (*path, name, *place), before, after, (*path, more[0], *owned), both
        missing, more = [], []
    for step in dict.fromkeys((*wanted, *found)):
        if step in wanted and step in found:
            yield from _walk(wanted[step], found[step], below(trees, step), (*path, step))
        elif step in missing or step in more:
            place = (*path, step)
            yield place, wanted.get(step, MISSING), found.get(step, MISSING), place, (place,)


def _same_name(one: Any, other: Any) -> bool:
    return (
        isinstance(one, Mapping)
        and isinstance(other, Mapping)
        and bool(one.get("name"))
        and (one["name"] == other.get("name"))
    )
