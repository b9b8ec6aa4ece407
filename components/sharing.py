"""Finds out which models a stack's LibreChat gets, and from whom; for another stack's Ollama, that stack is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi

# `pulumi.runtime.invoke` waits that way too. A StackReference is read and never made: previews know its outputs.
from pulumi.runtime.sync_await import _sync_await

from components import ports
from components.charts import OLLAMA
from components.faults import Fault
from components.guardrails.apps import client_namespaces
from components.ollama import ollama_url
from components.served import Served, at_url, model_faults, of_stack, stack_faults, url_faults
from components.settings import LibreChatSettings, StackSettings

Outputs = Mapping[str, Any]


def outputs_of_stack(name: str) -> Outputs:
    """What another stack's last `up` exported; the engine ends the run where there is no such stack.

    Waited for, so that everything after it, and every check before the first resource, has plain values.
    """
    return _sync_await(pulumi.StackReference(name).outputs.future()) or {}


def promised(settings: StackSettings) -> Outputs:
    """The outputs that other stacks read, as `up` of these settings will export them."""
    if settings.ollama is None:
        return {}
    told: dict[str, Any] = {
        "ollamaUrl": ollama_url(OLLAMA.name, settings.ollama),
        "models": list(settings.ollama.models),
        "namespaces": {OLLAMA.name: settings.ollama.namespace},
    }
    if settings.network.policies:
        own = settings.librechat.namespace if settings.librechat else None
        told["clients"] = list(client_namespaces(own, settings.ollama))
    return told


def models_of(
    settings: StackSettings, outputs_of: Callable[[str], Outputs | None]
) -> tuple[Served | None, list[Fault]]:
    """Who serves the models of a stack, and why that can't be; `outputs_of` is asked for another stack's outputs."""
    if settings.ollama:
        url, models = ollama_url(OLLAMA.name, settings.ollama), settings.ollama.models
        return Served(url, models, settings.ollama.namespace, OLLAMA.name, "ollama.models", own=True), []
    shared, librechat = settings.shared_ollama, settings.librechat
    if not shared or not librechat:
        return None, []
    if shared.stack:
        return _of_stack(shared.stack, librechat, outputs_of)
    served = at_url(shared) if shared.url and shared.models else None
    if served is None:
        return None, []
    faults = [
        *model_faults(served, librechat.default_model),
        *url_faults(served, shared, librechat.egress, policies=settings.network.policies),
    ]
    return served, faults


def _of_stack(
    stack: str, librechat: LibreChatSettings, outputs_of: Callable[[str], Outputs | None]
) -> tuple[Served | None, list[Fault]]:
    outputs = outputs_of(stack)
    if outputs is None:
        return _unknown(librechat.default_model), []
    served = of_stack(stack, OLLAMA.name, outputs)
    faults = list(stack_faults(stack, served, outputs, librechat.namespace))
    if served is None:
        return None, faults
    return served, [*faults, *model_faults(served, librechat.default_model)]


def _unknown(default_model: str) -> Served:
    """Stands in for the Ollama of a stack that can't be asked, as encrypted values have a placeholder."""
    namespace = "namespace-of-another-stack"
    url = f"http://{OLLAMA.name}.{namespace}.svc:{ports.OLLAMA}"
    return Served(url, (default_model,), namespace, OLLAMA.name, "ollama.models of that stack", complete=False)
