"""The final Helm values of the stack's own releases, checked before the first resource is registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from components.charts import LIBRECHAT, OLLAMA
from components.exposure import exposure_faults
from components.faults import Fault
from components.guardrails.accounts import account_faults
from components.guardrails.apps import librechat_usage, ollama_usage
from components.guardrails.chart_values import guardrail_faults
from components.guardrails.countable import outgrown, unconnected, uncounted, unreadable
from components.guardrails.quota import Usage, quota_faults
from components.librechat import librechat_config, librechat_values, secret_names
from components.ollama import ollama_values
from components.platform import Platform
from components.provenance import Sources
from components.replicas import redis_secret, replica_faults
from components.rules import Chat, librechat_faults
from components.rules_of_ollama import ollama_faults
from components.settings import LibreChatSettings, NetworkSettings, OllamaSettings
from components.values import Values


def final_values(
    platform: Platform, ollama: OllamaSettings | None, librechat: LibreChatSettings | None
) -> dict[str, Values]:
    """Values by release, as the charts get them; a text stands in for the checksums that only `up` knows."""
    found: dict[str, Values] = {}
    if ollama:
        found[OLLAMA.name] = ollama_values(OLLAMA.name, platform.values(OLLAMA.name), ollama)
    if librechat:
        served, files = platform.models_for(LIBRECHAT.name), platform.values(LIBRECHAT.name)
        config = librechat_config(platform.app_file(LIBRECHAT.name), librechat, served.url, served.models)
        checksums = dict.fromkeys((*secret_names(LIBRECHAT.name), redis_secret(LIBRECHAT.name)), "known after up")
        found[LIBRECHAT.name] = librechat_values(LIBRECHAT.name, files, librechat, config, checksums)
    return found


def release_faults(
    platform: Platform, ollama: OllamaSettings | None, librechat: LibreChatSettings | None
) -> list[Fault]:
    """What the pinned charts would ignore or refuse in the values of any release, or LibreChat in its own."""
    values = final_values(platform, ollama, librechat)
    faults: list[Fault] = []
    for chart, part in ((OLLAMA, ollama), (LIBRECHAT, librechat)):
        if part:
            pinned = dataclasses.replace(chart, version=part.chart.version)
            faults += platform.value_faults(chart.name, pinned, values[chart.name], part.values)
    for name, chart in platform.further.items():
        faults += platform.value_faults(name, chart, platform.values(name))
    rules: list[Fault] = []
    if librechat:
        chat = Chat.of(platform, librechat, values[LIBRECHAT.name], platform.project_dir)
        rules += librechat_faults(chat)
    overrides = {name: part.values for name, part in ((OLLAMA.name, ollama), (LIBRECHAT.name, librechat)) if part}
    sources = {name: platform.sources(name, override) for name, override in overrides.items()}
    if not (faults or rules):
        # Only values that the charts take say what the pods ask for.
        if ollama:
            faults += _sizing_faults(OLLAMA.name, ollama_usage, values, sources, ollama.quota, platform.network)
        if librechat:
            faults += _sizing_faults(
                LIBRECHAT.name, librechat_usage, values, sources, librechat.quota, platform.network
            )
    faults += replica_faults(values, sources)
    faults += guardrail_faults(platform.network, values, sources)
    faults += account_faults(values, sources)
    if ollama:
        faults += ollama_faults(ollama, values[OLLAMA.name], sources[OLLAMA.name])
        faults += exposure_faults(ollama, values[OLLAMA.name], sources[OLLAMA.name])
    return [*faults, *rules]


def _sizing_faults(
    app: str,
    count: Callable[[Values], Usage],
    values: Mapping[str, Values],
    sources: Mapping[str, Sources],
    quota: Mapping[str, str],
    network: NetworkSettings,
) -> list[Fault]:
    """Why the quota of the app's namespace couldn't be worked out or hold the app, or what is cut off there."""
    if faults := list(unreadable(app, values[app], sources[app])):
        return faults
    if network.policies and (faults := list(unconnected(app, values[app], sources[app]))):
        return faults
    usage = count(values[app])
    return [
        *uncounted(app, values[app], sources[app], usage, quota),
        *outgrown(app, values[app], sources[app], usage),
        *quota_faults(app, usage, quota),
    ]
