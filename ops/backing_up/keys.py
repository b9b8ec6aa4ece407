"""The generated keys in a stack's state: taken out as they are, encrypted, and put into another state."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from components.charts import LIBRECHAT
from components.formats import KEY_LENGTHS
from components.keys import resource_name
from ops.backing_up.engine import Content
from ops.tokens import GENERATED_KEY

PLAIN = "plaintext"
Resource = dict[str, Any]


class Owner(NamedTuple):
    """Whose state it is."""

    stack: str
    project: str

    @property
    def prefix(self) -> str:
        """What the names of all its resources begin with."""
        return f"urn:pulumi:{self.stack}::{self.project}::"

    @property
    def root(self) -> str:
        """The name of the resource that is the stack itself."""
        return f"{self.prefix}pulumi:pulumi:Stack::{self.project}-{self.stack}"


def kept(state: Content) -> Content:
    """Of an exported state what the generated keys need: they themselves, what they hang on, the secrets provider."""
    resources, keys = resources_of(state), _keys(state)
    needed = {item["urn"] for item in keys}
    by_urn = {item["urn"]: item for item in resources}
    waiting = list(keys)
    while waiting:
        item = waiting.pop()
        for urn in (item.get("parent"), _provider(item)):
            if urn and urn not in needed:
                needed.add(urn)
                waiting.append(by_urn[urn])
    left = [_alone(item) for item in resources if item["urn"] in needed and not item.get("delete")]
    deployment = state["deployment"]
    parts = {key: deployment[key] for key in ("manifest", "secrets_providers") if key in deployment}
    return {"version": state["version"], "deployment": {**parts, "resources": left}}


def names(state: Content) -> tuple[str, ...]:
    """The generated keys of a state, by their names in the program."""
    return tuple(sorted(_name(item) for item in _keys(state)))


def values(state: Content) -> dict[str, str]:
    """Name in the program → key, of a state in plain text."""
    return {_name(item): json.loads(item["outputs"]["result"][PLAIN]) for item in _keys(state)}


def supplied(state: Content, own: Iterable[str]) -> tuple[str, ...]:
    """Of a deployed stack's `own` keys those that its state doesn't generate: config brought them along."""
    generated = names(state)
    return tuple(key for key in own if resource_name(LIBRECHAT.name, key) not in generated)


def provider_of(state: Content) -> str:
    """What encrypts the secrets of a state, as Pulumi calls it; empty where nothing does."""
    return str((state["deployment"].get("secrets_providers") or {}).get("type") or "")


def with_keys(state: Content, owner: Owner, backup: Content, source: Owner, rotation: Mapping[str, int]) -> Content:
    """A state with the keys of the backup, both in plain text; the stack's program takes them for its own.

    `rotation` is the stack file's: a key whose number there is another than in the state would be generated anew.
    """
    merged: dict[str, Any] = copy.deepcopy(dict(state))
    resources: list[Resource] = merged["deployment"].setdefault("resources", [])
    by_urn = {item["urn"]: item for item in resources}
    for found in _renamed(resources_of(backup), source, owner):
        present = by_urn.get(found["urn"])
        item = found if present is None else present
        if found["type"] == GENERATED_KEY:
            item["inputs"], item["outputs"] = found["inputs"], found["outputs"]
            _count(item, rotation)
        if present is None:
            if provider := _provider(item):
                item["provider"] = f"{provider}::{by_urn[provider]['id']}"
            resources.append(item)
            by_urn[item["urn"]] = item
    return merged


def resources_of(state: Content) -> Sequence[Resource]:
    """The resources of a state."""
    return (state.get("deployment") or {}).get("resources") or []


def _keys(state: Content) -> list[Resource]:
    return [item for item in resources_of(state) if item["type"] == GENERATED_KEY and not item.get("delete")]


def _name(item: Resource) -> str:
    return str(item["urn"]).split("::", 3)[3]


def _provider(item: Resource) -> str:
    return str(item.get("provider") or "").rpartition("::")[0]


def _alone(item: Resource) -> Resource:
    """Without what stays behind: what it depends on, where it was made, outputs of what only stands above a key."""
    left_out = {"dependencies", "propertyDependencies", "sourcePosition", "stackTrace"}
    if not item.get("custom"):
        left_out.add("outputs")
    return {key: value for key, value in item.items() if key not in left_out}


def _renamed(resources: Sequence[Resource], old: Owner, new: Owner) -> list[Resource]:
    """The resources as those of another stack. Its root carries both names in its own."""
    text = json.dumps(list(resources)).replace(f'"{old.root}"', f'"{new.root}"').replace(old.prefix, new.prefix)
    renamed: list[Resource] = json.loads(text)
    return renamed


def _count(item: Resource, rotation: Mapping[str, int]) -> None:
    name = _name(item)
    key = next((key for key in KEY_LENGTHS if resource_name(LIBRECHAT.name, key) == name), None)
    number = rotation.get(key) if key else None
    keepers = {"rotation": str(number)} if number else None
    if item["inputs"].get("keepers") == keepers:
        return
    for side in ("inputs", "outputs"):
        item[side].pop("keepers", None)
        if keepers:
            item[side]["keepers"] = keepers
    # How the provider's own state differs from the outputs; it makes that up anew from them (random 4.21, 2026-11).
    item["outputs"].pop("__pulumi_raw_state_delta", None)
