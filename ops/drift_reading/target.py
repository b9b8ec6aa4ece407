"""What an object would have to hold: the live one without what others added, and with what is declared over it.

The API server has the last word: an update with this, run dry, fills in its defaults and writes quantities its way.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.diagnosis.objects import Object
from ops.drift_reading.fields import (
    MISSING,
    Manager,
    Path,
    Tree,
    below,
    child,
    get,
    is_one_value,
    list_keys,
    managers_of,
    put,
    step_of,
)


def target_of(declared: Object, live: Object) -> dict[str, Any]:
    """The live object with every declared field as declared, and without the fields that somebody else added."""
    managers = managers_of(live)
    target = copy.deepcopy(dict(live))
    for path in added(declared, live, managers):
        put(target, path, MISSING)
    overlaid: dict[str, Any] = _overlaid(target, declared, [manager.fields for manager in managers])
    return overlaid


def added(declared: Object, live: Object, managers: Sequence[Manager]) -> list[Path]:
    """The fields of the live object that only foreign managers own and that nobody declared, topmost ones only."""
    others = [manager.fields for manager in managers if not manager.is_foreign]
    found: dict[Path, None] = {}
    for manager in managers:
        if manager.is_foreign:
            found |= dict.fromkeys(_added(manager.fields, declared, live, others, ()))
    return list(found)


def _added(tree: Tree, declared: Any, live: Any, others: Sequence[Tree], path: Path) -> Iterator[Path]:
    for step, inner in tree.items():
        if step == "." or (here := child(live, step)) is MISSING:
            continue
        wanted, theirs, place = child(declared, step), below(others, step), (*path, step)
        if wanted is MISSING and not theirs and (not inner or "." in inner):
            yield place
        elif inner:
            # An owned field whose parts are somebody else's, or a structure that counts only by its parts.
            yield from _added(inner, wanted, here, theirs, place)


def _overlaid(live: Any, declared: Any, trees: Sequence[Tree]) -> Any:
    """`declared` over `live`: maps by key, lists by the keys that `trees` know."""
    if isinstance(live, Mapping) and isinstance(declared, Mapping):
        if live and is_one_value(trees):
            return copy.deepcopy(declared)
        merged = dict(live)
        for name, value in declared.items():
            step = f"f:{name}"
            merged[name] = _overlaid(live[name], value, below(trees, step)) if name in live else copy.deepcopy(value)
        return merged
    if isinstance(live, list) and isinstance(declared, list):
        return _overlaid_list(live, declared, trees)
    return copy.deepcopy(declared)


def _overlaid_list(live: list[Any], declared: list[Any], trees: Sequence[Tree]) -> list[Any]:
    keys = list_keys(trees)
    if keys is None or (keys and not all(isinstance(item, Mapping) for item in [*live, *declared])):
        return copy.deepcopy(declared)
    steps = [step_of(item, keys) for item in declared]
    if len(set(steps)) < len(steps):
        return copy.deepcopy(declared)  # A list that names an item twice, which the API server lets pass.
    held = {step_of(item, keys): item for item in live}
    merged = {
        step: _overlaid(held[step], item, below(trees, step)) if step in held else copy.deepcopy(item)
        for step, item in zip(steps, declared, strict=True)
    }
    # Where nothing is missing, the order stays: it may be that of an admission webhook.
    order = list(held) if set(steps) <= set(held) else [*steps, *(step for step in held if step not in merged)]
    return [merged.get(step, held.get(step)) for step in order]


def keep(target: dict[str, Any], live: Object, paths: Sequence[Path]) -> None:
    """Leave what stands at these paths as it is: an exception from drift."""
    for path in paths:
        put(target, path, copy.deepcopy(get(live, path)))
