"""Rules on what Ollama's Helm values say of models: the stack's outputs and its chat know those of `ollama.models`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from components.faults import Fault
from components.provenance import KeyPath, Sources, dotted
from components.settings import OllamaSettings
from components.values import Values, dig

MODELS = ("ollama", "models")


def ollama_faults(settings: OllamaSettings, values: Values, sources: Sources) -> Iterator[Fault]:
    """Lists of models that differ from `ollama.models`; the chart pastes all into a shell script (2026-11, facts.md).

    `values` are the final ones. An empty list is fine: models may be on a volume that somebody else fills.
    """
    known = settings.models
    pull, run, create = (_items(dig(values, *MODELS, key)) for key in ("pull", "run", "create"))
    others = {
        "pull": ("nothing here, or [] where a volume has the models already", bool(pull) and {*pull} != {*known}),
        "run": ("models of that setting", not {*run} <= {*known}),
        "create": ("nothing here; a model of your own is pulled from a registry", bool(create)),
    }
    for key, (allowed, different) in others.items():
        path: KeyPath = (*MODELS, key)
        if different:
            yield Fault(
                None,
                f"{sources.origin(path).place}: {dotted(path)} found {json.dumps(dig(values, *MODELS, key))}, but what "
                f"the chat offers is ollama.models ({', '.join(known)}), whose names alone are known to be safe in the "
                f"chart's shell script; allowed: {allowed}. Drop it, and set ollama.models",
            )


def _items(found: Any) -> list[str]:
    """The entries as text; what is no list is one, which no model is called like."""
    return [
        item if isinstance(item, str) else repr(item)
        for item in (found if isinstance(found, list) else [found] if found else [])
    ]
