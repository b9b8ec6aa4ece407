"""Who owns which field: the `fieldsV1` of metadata.managedFields, and paths through an object in its terms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ops.diagnosis.objects import Object

Tree = Mapping[str, Any]
"""A `fieldsV1`: `f:<field>`, `k:<key of a list's item, JSON>` or `v:<item of a set, JSON>` → what is below."""
Path = tuple[str, ...]
"""Steps from the root of an object, each a key of a Tree."""

MANAGER = "pulumi-resource-kubernetes"
"""Field manager under which the provider writes the objects of a release (measured, 2026-11)."""
RELEASE_MANAGERS = frozenset({MANAGER, "helm"})
"""Field managers of what writes releases: the provider, and helm's command line."""
CONTROL_PLANE = frozenset(
    {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager"}
)
"""Field managers of Kubernetes itself: what they add to an object is no hand edit."""


class Missing:
    """Stands for a value that isn't there; null is a value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True)
class Manager:
    """One entry of managedFields."""

    name: str
    time: str
    """Of its last write, as the API server has it."""
    fields: Tree

    @property
    def is_release(self) -> bool:
        """Whether it is who writes releases, or the stack's own objects."""
        # The provider appends a random suffix to the manager of each object that it applies.
        return self.name in RELEASE_MANAGERS or re.fullmatch(r"pulumi-kubernetes(-[0-9a-f]+)?", self.name) is not None

    @property
    def is_foreign(self) -> bool:
        """Whether it is neither that nor Kubernetes itself."""
        return not self.is_release and self.name not in CONTROL_PLANE


def managers_of(item: Object) -> list[Manager]:
    """Who wrote to the object, the latest first, apart from writes to its status."""
    entries = [
        Manager(entry.get("manager", ""), entry.get("time", ""), entry.get("fieldsV1") or {})
        for entry in item["metadata"].get("managedFields") or ()
        if entry.get("subresource") != "status"
    ]
    return sorted(entries, key=lambda entry: entry.time, reverse=True)


def below(trees: Iterable[Tree], step: str) -> list[Tree]:
    """What the trees have below a step."""
    return [tree[step] for tree in trees if step in tree]


def list_keys(trees: Iterable[Tree]) -> tuple[str, ...] | None:
    """The keys by which a list's items are told apart; empty for a set, None for a list that is one value."""
    for tree in trees:
        for step in tree:
            if step.startswith("k:"):
                return tuple(sorted(json.loads(step[2:])))
            if step.startswith("v:"):
                return ()
    return None


def is_one_value(trees: Sequence[Tree]) -> bool:
    """Whether a map is owned as a whole: somebody owns it, and nobody anything in it."""
    return bool(trees) and not any(step != "." for tree in trees for step in tree)


def step_of(item: Any, keys: tuple[str, ...]) -> str:
    """The step to an item of a list."""
    if not keys:
        return f"v:{json.dumps(item)}"
    # The one key that objects leave out in charts: the API server fills it in.
    found = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(found, sort_keys=True, separators=(",", ":"))


def child(value: Any, step: str) -> Any:
    """What a value holds one step further; MISSING where there is nothing."""
    if step.startswith("f:"):
        return value.get(step[2:], MISSING) if isinstance(value, Mapping) else MISSING
    if not isinstance(value, list):
        return MISSING
    index = index_of(value, step)
    return MISSING if index is None else value[index]


def index_of(items: Sequence[Any], step: str) -> int | None:
    """Where in a list the item of a step stands."""
    wanted = json.loads(step[2:])
    for index, item in enumerate(items):
        if step.startswith("v:") and item == wanted:
            return index
        if step.startswith("k:") and isinstance(item, Mapping) and _fits(item, wanted):
            return index
    return None


def _fits(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(item.get(key, "TCP" if key == "protocol" else None) == value for key, value in keys.items())


def get(value: Any, path: Path) -> Any:
    """What stands at a path; MISSING where there is nothing."""
    for step in path:
        value = child(value, step)
    return value


def put(root: Any, path: Path, value: Any) -> None:
    """Set what stands at a path, or take it away where `value` is MISSING; what leads there is made."""
    *parents, last = path
    for step in parents:
        following = child(root, step)
        if following is MISSING:
            if value is MISSING or not step.startswith("f:"):
                return
            following = {}
            root[step[2:]] = following
        root = following
    if last.startswith("f:"):
        if value is MISSING:
            root.pop(last[2:], None)
        else:
            root[last[2:]] = value
        return
    index = index_of(root, last)
    if index is not None and value is MISSING:
        del root[index]
    elif index is not None:
        root[index] = value
    elif value is not MISSING:
        root.append(value)


def owner_of(path: Path, managers: Sequence[Manager]) -> Manager | None:
    """Who wrote what stands at a path: the latest foreign writer, else the latest of all; None where none did."""
    owners = [manager for manager in managers if _covers(manager.fields, path)]
    return next((manager for manager in owners if not manager.is_release), owners[0] if owners else None)


def _covers(tree: Tree, path: Path) -> bool:
    for step in path:
        if tree and step not in tree:
            return False
        if not tree:
            return True  # Owned as a whole, further up.
        tree = tree[step]
    return True


def shown(path: Path) -> str:
    """A path as people write it: `spec.template.spec.containers[ollama].env[FOO].value`."""
    text = ""
    for step in path:
        kind, name = step[:2], step[2:]
        if kind == "f:":
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", name)
            text += (f".{name}" if text else name) if plain else f"[{name}]"
        elif kind == "k:":
            keys = json.loads(name)
            text += f"[{keys['name']}]" if "name" in keys else "[" + "/".join(str(keys[key]) for key in keys) + "]"
        else:
            text += f"[{json.loads(name)}]"
    return text
