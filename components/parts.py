"""Which apps a stack consists of, and whose it is: read from the raw config, before the single settings are checked.

A stack is Ollama and LibreChat, or Ollama alone for the LibreChats of others, or LibreChat with such an Ollama.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.formats import TEAM

OPTIONAL = ("team", "ollama", "sharedOllama", "librechat")
"""Keys that Pulumi.yaml gives an empty default: without one, the engine would demand them of every stack."""


def effective(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The config without what is there but empty, and with the namespaces that follow from `team`."""
    keys = {key: value for key, value in raw.items() if key not in OPTIONAL or value not in _empty(key)}
    team = keys.get("team")
    if isinstance(team, str) and re.search(TEAM, team):
        for app in (OLLAMA.name, LIBRECHAT.name):
            if isinstance(keys.get(app), dict):
                keys[app] = {"namespace": f"{team}-{app}", **keys[app]}
    return keys


def _empty(key: str) -> tuple[Any, ...]:
    # The text "null" becomes None as well, and may be meant as a name: such a stack must not lose its namespaces.
    return ("",) if key == "team" else ("", {}, None)


def part_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Parts that don't make a stack together, and keys of sharedOllama that don't fit each other."""
    if "team" in raw and raw["team"] is None:
        yield Fault("team", "found null; allowed: another name, or no team at all: then leave the key out")
    ollama, shared, librechat = (key in raw for key in ("ollama", "sharedOllama", "librechat"))
    if not (ollama or librechat or shared):
        yield Fault("ollama", "is missing; allowed: the keys of ollama. A stack has ollama, librechat, or both")
    if librechat and not (ollama or shared):
        yield Fault(
            "ollama",
            "is missing; allowed: the keys of ollama. A stack with librechat has ollama, or names another stack's by "
            "sharedOllama",
        )
    if ollama and shared:
        yield Fault("sharedOllama", "is set beside ollama; allowed: one of them. Drop the one that is not meant")
    if shared and not librechat:
        yield Fault("sharedOllama", "is set, but no LibreChat would use it; allowed: it, with librechat")
    if shared and isinstance(raw["sharedOllama"], dict):
        yield from _shared_faults(raw["sharedOllama"])


def _shared_faults(shared: Mapping[str, Any]) -> Iterator[Fault]:
    by_stack, by_url = shared.get("stack") is not None, shared.get("url") is not None
    if by_stack == by_url:
        what = "both stack and url are" if by_stack else "neither stack nor url is"
        yield Fault("sharedOllama", f"{what} set; allowed: one of them")
    elif by_url and not shared.get("models"):
        yield Fault(
            "sharedOllama.models",
            "is missing; allowed: a list of one or more names such as llama3.2:1b. Nobody is asked at a url",
        )
    elif by_stack:
        for key in ("models", "namespace", "allowPlainHttp"):
            if key in shared:
                yield Fault(f"sharedOllama.{key}", "is set beside stack, which tells it; allowed: it, with url only")
